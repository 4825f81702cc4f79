# Three stages: the first two have what building needs, the last one what running needs. No root, no shell tools of ours.
# The digest is that of the image for every platform: what is built does not change until this line does.
FROM python:3.11.16-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b AS build
WORKDIR /build
COPY requirements-service.lock .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements-service.lock

# The matcher compiled: the same decisions, sooner. Where the compiler cannot be had the folder stays empty, and the sources
# run.
FROM build AS compiled
WORKDIR /service
COPY pyproject.toml requirements-compiler.lock ./
COPY tools/compile.py tools/
COPY app app
# hadolint ignore=DL3008
RUN mkdir -p .build \
 && { apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev \
   && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements-compiler.lock \
   && /venv/bin/python tools/compile.py; } || echo "not compiled; the sources run instead"

FROM python:3.11.16-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin recall \
 && install -d -o recall -g recall /data
COPY --from=build /venv /venv
WORKDIR /service
COPY pyproject.toml ./
COPY migrations migrations
COPY app app
COPY --from=compiled /service/.build .build
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DATA_DIR=/data LOG_FORMAT=json
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import httpx; httpx.get('http://127.0.0.1:8000/health/live').raise_for_status()"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve", "--host", "0.0.0.0"]
