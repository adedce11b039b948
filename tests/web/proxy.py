"""A reverse proxy that serves another server below a path, like this setting of nginx:

    location /comics/ { proxy_pass http://127.0.0.1:7860/; }

In a process of its own: `python -m tests.web.proxy PORT /comics http://127.0.0.1:7860`.
"""

from __future__ import annotations

import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Mount, Route

_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding")


def proxy(path: str, behind: str) -> Starlette:
    """Return an app that forwards requests below `path` to the server at `behind`."""
    client = httpx.AsyncClient(timeout=None)

    async def forward(request: Request) -> StreamingResponse:
        below = request.url.path.removeprefix(path)
        forwarded = client.build_request(
            request.method,
            httpx.URL(behind + below, query=request.url.query.encode()),
            headers=[(name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP],
            content=await request.body(),
        )
        answer = await client.send(forwarded, stream=True)
        headers = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        return StreamingResponse(answer.aiter_bytes(), answer.status_code, headers)

    return Starlette(routes=[Mount(path, routes=[Route("/{rest:path}", forward, methods=["GET", "HEAD", "POST"])])])


if __name__ == "__main__":
    uvicorn.run(proxy(sys.argv[2], sys.argv[3]), port=int(sys.argv[1]), log_level="warning")
