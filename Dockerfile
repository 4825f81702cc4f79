# Two stages: the first has what building needs, the second what running needs. No root, no shell tools of ours.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements-service.lock .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements-service.lock

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin recall \
 && install -d -o recall -g recall /data
COPY --from=build /venv /venv
WORKDIR /service
COPY pyproject.toml ./
COPY migrations migrations
COPY app app
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DATA_DIR=/data LOG_FORMAT=json
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import httpx; httpx.get('http://127.0.0.1:8000/health/live').raise_for_status()"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve", "--host", "0.0.0.0", "--migrate"]
