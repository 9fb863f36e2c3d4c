"""Attachments of statements as files to keep: senders chose what is in them, so no browser may open one as a page."""

import mimetypes
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from academe.lrs.watching.shown import ShownAttachment

_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
}
_LONGEST_NAME: Final = 100


def download(attachment: ShownAttachment, content: bytes) -> Response:
    """The content under the name that the statement gives it, as bytes of no type (RFC 6266, RFC 8187)."""
    name = file_name(attachment)
    plain = "".join(each if each.isascii() and (each.isalnum() or each in " -_.()") else "_" for each in name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    headers = _SAFE | {"Content-Disposition": disposition}
    return Response(content, media_type="application/octet-stream", headers=headers)


def file_name(attachment: ShownAttachment) -> str:
    """What the statement calls the attachment, or the end of its hash, with the ending of its type where it has one."""
    said = "".join(each if each.isprintable() and each not in "/\\:" else "_" for each in attachment.name)
    name = said.strip(" .")[:_LONGEST_NAME] or attachment.sha2[-12:]
    ending = mimetypes.guess_extension(attachment.content_type.partition(";")[0].strip(), strict=True) or ""
    return name if name.lower().endswith(ending) else name + ending
