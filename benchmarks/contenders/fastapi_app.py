"""The upsert that most teams would write: FastAPI and the SQLAlchemy ORM on asyncpg.

Select by the normalised e-mail, then insert or update, and try again if the database asks for it.
The index on the e-mail is not unique, because a Copper account may have two leads with the same
e-mail (a plain create never matches), so only the isolation level can prevent a duplicate. It keeps
no ledger and no custom fields, checks little and matches by e-mail alone, all of which is in its
favour.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.contenders.fastapi_tables import LeadRow

ATTEMPTS = 3
_POOL_SIZE = 16

#: Two workers import this module, so it is configured by the environment.
DATABASE, ISOLATION, API_KEY = "BENCH_DATABASE", "BENCH_ISOLATION", "BENCH_API_KEY"


class Email(BaseModel):
    """An e-mail on the wire."""

    email: str
    category: str = "work"


class PhoneNumber(BaseModel):
    """A phone number on the wire."""

    number: str
    category: str = "work"


class Properties(BaseModel):
    """What a delivery brings."""

    name: str | None = None
    email: Email | None = None
    phone_numbers: list[PhoneNumber] | None = None
    company_name: str | None = None
    title: str | None = None
    tags: list[str] | None = None


class Match(BaseModel):
    """What a delivery matches by."""

    field_name: Literal["email"]
    field_value: str


class Upsert(BaseModel):
    """A delivery."""

    properties: Properties
    match: Match


class Lead(BaseModel):
    """The answer, as Copper shows a lead."""

    id: int
    name: str
    email: Email
    phone_numbers: list[PhoneNumber]
    address: dict[str, str | None]
    assignee_id: int | None = None
    company_name: str | None
    customer_source_id: int | None = None
    custom_fields: list[Any] = []
    details: str | None = None
    monetary_value: float | None = None
    socials: list[Any] = []
    status: str = "New"
    tags: list[str]
    title: str | None
    websites: list[Any] = []
    date_created: int
    date_modified: int


engine = create_async_engine(
    os.environ[DATABASE],
    pool_size=_POOL_SIZE,
    max_overflow=0,
    isolation_level=os.environ[ISOLATION],
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=_lifespan)


def require_key(x_pw_accesstoken: Annotated[str, Header()]) -> None:
    """Check the API key."""
    if not hmac.compare_digest(x_pw_accesstoken, os.environ[API_KEY]):
        raise HTTPException(401)


@app.put("/developer_api/v1/leads/upsert", dependencies=[Depends(require_key)])
async def upsert_lead(body: Upsert) -> Lead:
    """Find a lead by its e-mail, and create or update it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with sessions.begin() as session:
                lead = await _upserted(session, body)
        except DBAPIError:
            # A serialization failure, a deadlock or a lost connection: start again.
            if attempt == ATTEMPTS:
                raise
        else:
            return _shown(lead)
    raise AssertionError


async def _upserted(session: AsyncSession, body: Upsert) -> LeadRow:
    key = body.match.field_value.strip().casefold()
    query = select(LeadRow).where(LeadRow.email_key == key).order_by(LeadRow.id).limit(2)
    found = (await session.scalars(query)).all()
    if len(found) > 1:
        raise HTTPException(422, "Multiple matches found")
    now = int(time.time())
    if found:
        lead = found[0]
    else:
        lead = LeadRow(email=body.match.field_value, email_key=key, date_created=now, name="")
        session.add(lead)
    _apply(lead, body.properties, now)
    return lead


def _apply(lead: LeadRow, properties: Properties, now: int) -> None:
    sent = properties.model_dump(exclude_unset=True)
    if email := sent.pop("email", None):
        lead.email, lead.email_category = email["email"], email["category"]
        lead.email_key = email["email"].strip().casefold()
    for name, value in sent.items():
        setattr(lead, name, value)
    lead.version = (lead.version or 0) + 1
    lead.date_modified = now


def _shown(lead: LeadRow) -> Lead:
    return Lead(
        id=lead.id,
        name=lead.name,
        email=Email(email=lead.email, category=lead.email_category),
        phone_numbers=[PhoneNumber(**entry) for entry in lead.phone_numbers or []],
        address={"city": lead.city, "country": lead.country},
        company_name=lead.company_name,
        tags=lead.tags or [],
        title=lead.title,
        date_created=lead.date_created,
        date_modified=lead.date_modified,
    )
