"""Looking voters up."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1/voters", tags=["voters"])
