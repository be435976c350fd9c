"""Correction of S3: a request with two credentials."""

TWO_CREDENTIALS = (
    b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed; only the "
    b"X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization "
    b"header should be specified</Message></Error>"
)


def has_two_credentials(scope: dict) -> bool:
    """Whether a presigned request has an Authorization header, too; ministack ignores the header.

    Clients that keep the header after a redirect to another host send such requests.
    """
    signed = b"X-Amz-Signature=" in scope.get("query_string", b"")
    return signed and any(name.lower() == b"authorization" for name, _ in scope["headers"])
