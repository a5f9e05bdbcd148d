"""The table of the FastAPI service, as an ORM declares it."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of this service."""


class LeadRow(Base):
    """A lead as an ORM keeps it."""

    __tablename__ = "orm_lead"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    name: Mapped[str] = mapped_column(Text, index=True)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text, index=True)
    email_category: Mapped[str] = mapped_column(Text, default="work")
    phone_numbers: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    company_name: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    city: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    date_created: Mapped[int] = mapped_column(BigInteger, index=True)
    date_modified: Mapped[int] = mapped_column(BigInteger)
