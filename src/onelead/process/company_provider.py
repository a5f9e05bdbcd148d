"""The company's provider, at which users sign in by OpenID Connect: authorization code with PKCE.

Everything that a sign-in has to remember is derived from one secret token of the browser, so
nothing is stored while somebody is away at the provider. The libraries come with the extra
`company`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from msgspec import Struct

from onelead.domain.access import is_email
from onelead.domain.errors import CompanySignInFailed, NotPossible
from onelead.domain.limits import COMPANY_PROVIDER_KEPT_S, COMPANY_PROVIDER_TIMEOUT_S
from onelead.domain.sign_in.company import CompanyIdentity, is_safe_url

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

#: What an ID token may be signed with. All need the provider's private key.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_CLOCK_LEEWAY_S = 60
_SUBJECT_CHARS_MAX = 255

log = structlog.get_logger(__name__)


class CompanyClient(Struct, frozen=True):
    """How the provider knows this server."""

    issuer: str
    client_id: str
    client_secret: str


class _Provider(Struct, frozen=True):
    """What the provider publishes about itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    #: Seconds of the monotonic clock.
    read_at: float


class CompanyProvider:
    """Sends browsers to the provider, and finds out who came back."""

    def __init__(
        self, client: CompanyClient, clock: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        """Raises NotPossible when the libraries are not installed."""
        try:
            import authlib.integrations.httpx_client  # noqa: F401, PLC0415 - an extra
        except ImportError:
            raise NotPossible(
                "company sign-in needs further packages: make company installs them"
            ) from None
        self._client = client
        self._clock = clock
        self._monotonic = monotonic
        self._provider: _Provider | None = None
        #: The provider's keys, and when they were read.
        self._keys: tuple[Any, float] | None = None

    @property
    def issuer(self) -> str:
        """The provider, as a URL."""
        return self._client.issuer

    @property
    def name(self) -> str:
        """The provider's host, for people."""
        return urlsplit(self._client.issuer).netloc

    async def address(self, token: str, return_url: str, *, confirms: bool = False) -> str:
        """Return where the provider asks the browser with this token to sign in.

        `confirms` lets it ask even someone who is signed in there. Raises CompanySignInFailed.
        """
        provider = await self._read_provider()
        again = {"prompt": "login", "max_age": 0} if confirms else {}
        async with self._http(return_url) as http:
            url, _state = http.create_authorization_url(
                provider.authorization_endpoint,
                state=derived(token, "state"),
                nonce=derived(token, "nonce"),
                code_verifier=derived(token, "verifier"),
                **again,
            )
        return str(url)

    async def identity(self, token: str, return_url: str, code: str) -> CompanyIdentity:
        """Return who came back to the browser with this token. Raises CompanySignInFailed."""
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - an extra
        from httpx2 import HTTPError  # noqa: PLC0415 - an extra

        provider = await self._read_provider()
        try:
            async with self._http(return_url) as http:
                answer = await http.fetch_token(
                    provider.token_endpoint, code=code, code_verifier=derived(token, "verifier")
                )
        except (AuthlibBaseError, HTTPError, ValueError) as error:
            raise _failed("the provider did not take the code", error) from error
        return await self._checked(answer.get("id_token"), derived(token, "nonce"))

    async def _checked(self, id_token: Any, nonce: str) -> CompanyIdentity:
        from joserfc import jwt  # noqa: PLC0415 - an extra
        from joserfc.errors import JoseError  # noqa: PLC0415 - an extra

        if not isinstance(id_token, str):
            raise _failed("the provider sent no ID token")
        client = self._client
        wanted: Any = {
            "iss": {"essential": True, "value": client.issuer},
            "aud": {"essential": True, "value": client.client_id},
            "nonce": {"essential": True, "value": nonce},
            **{name: {"essential": True} for name in ("sub", "exp", "iat")},
        }
        rules = jwt.JWTClaimsRegistry(now=self._clock, leeway=_CLOCK_LEEWAY_S, **wanted)
        try:
            claims = (await self._decoded(id_token)).claims
            rules.validate(claims)
        except (JoseError, ValueError) as error:
            raise _failed("the ID token is not valid", error) from error
        if claims.get("azp", client.client_id) != client.client_id:
            raise _failed("the ID token is for another client")
        return _identity(client.issuer, claims)

    async def _decoded(self, id_token: str) -> Any:
        from joserfc import jwt  # noqa: PLC0415 - an extra
        from joserfc.errors import JoseError  # noqa: PLC0415 - an extra

        keys, read_at = await self._read_keys(fresh=False)
        try:
            return jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have new keys; they are asked for at most once in a while.
            if self._monotonic() - read_at < COMPANY_PROVIDER_TIMEOUT_S:
                raise
        keys, _read_at = await self._read_keys(fresh=True)
        return jwt.decode(id_token, keys, algorithms=_ALGORITHMS)

    async def _read_keys(self, *, fresh: bool) -> tuple[Any, float]:
        from joserfc.errors import JoseError  # noqa: PLC0415 - an extra
        from joserfc.jwk import KeySet  # noqa: PLC0415 - an extra

        if self._keys is None or fresh or self._is_old(self._keys[1]):
            document: Any = await self._get((await self._read_provider()).jwks_uri)
            try:
                keys = KeySet.import_key_set(document)
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise _failed("the provider's keys cannot be read", error) from error
            self._keys = (keys, self._monotonic())
        return self._keys

    async def _read_provider(self) -> _Provider:
        if self._provider is None or self._is_old(self._provider.read_at):
            issuer = self._client.issuer
            found = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise _failed("the provider calls itself otherwise than it is configured")
            self._provider = _Provider(
                authorization_endpoint=_endpoint(found, "authorization_endpoint"),
                token_endpoint=_endpoint(found, "token_endpoint"),
                jwks_uri=_endpoint(found, "jwks_uri"),
                read_at=self._monotonic(),
            )
        return self._provider

    def _is_old(self, read_at: float) -> bool:
        return self._monotonic() - read_at >= COMPANY_PROVIDER_KEPT_S

    async def _get(self, url: str) -> dict[str, Any]:
        from httpx2 import AsyncClient, HTTPError  # noqa: PLC0415 - an extra

        try:
            async with AsyncClient(timeout=COMPANY_PROVIDER_TIMEOUT_S) as http:
                answer = await http.get(url)
            answer.raise_for_status()
            found = answer.json()
        except (HTTPError, ValueError) as error:
            raise _failed("the provider does not answer", error) from error
        if not isinstance(found, dict):
            raise _failed("the provider does not answer with an object")
        return found

    def _http(self, return_url: str) -> AsyncOAuth2Client:
        from authlib.integrations.httpx_client import AsyncOAuth2Client  # noqa: PLC0415 - an extra

        return AsyncOAuth2Client(
            self._client.client_id,
            self._client.client_secret,
            scope="openid email",
            redirect_uri=return_url,
            code_challenge_method="S256",
            timeout=COMPANY_PROVIDER_TIMEOUT_S,
        )


def derived(token: str, purpose: str) -> str:
    """Return a secret for one purpose of a sign-in; another one tells nothing about it."""
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _endpoint(published: dict[str, Any], name: str) -> str:
    found = published.get(name)
    if not isinstance(found, str) or not is_safe_url(found):
        raise _failed(f"the provider's {name} is not an https address")
    return found


def _identity(issuer: str, claims: dict[str, Any]) -> CompanyIdentity:
    subject, email, confirmed = claims["sub"], claims.get("email"), claims.get("auth_time")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= _SUBJECT_CHARS_MAX
        or "\0" in subject
    ):
        raise _failed("the ID token has no usable subject")
    is_verified = claims.get("email_verified") is True
    return CompanyIdentity(
        issuer=issuer,
        subject=subject,
        email=email if is_verified and isinstance(email, str) and is_email(email) else "",
        date_confirmed=confirmed if isinstance(confirmed, int) else None,
    )


def _failed(reason: str, error: Exception | None = None) -> CompanySignInFailed:
    """Log why a sign-in failed, and return what the user is told."""
    kind = None if error is None else type(error).__name__
    log.warning("a company sign-in failed", reason=reason, error=kind)
    return CompanySignInFailed()
