"""Calling codes of countries: the international form of a number written as at home (ITU E.164)."""

from __future__ import annotations

from functools import cache

from onelead.domain.phones import main_number, phone_digits

#: Countries whose numbers begin with a 0 at home that is not dialled from abroad.
_WITH_ZERO = (
    "AE971 AF93 AL355 AM374 AR54 AT43 AU61 AX358 AZ994 BA387 BD880 BE32 BG359 BL590 BO591 BR55 "
    "CC61 CD243 CH41 CN86 CO57 CU53 CX61 DE49 DZ213 EC593 EG20 EH212 ER291 ET251 FI358 FR33 GB44 "
    "GE995 GF594 GG44 GH233 GP590 HR385 ID62 IE353 IL972 IM44 IN91 IQ964 IR98 JE44 JO962 JP81 "
    "KE254 KG996 KH855 KI686 KP850 KR82 LA856 LB961 LI423 LK94 LR231 LT370 LY218 MA212 MC377 "
    "MD373 ME382 MF590 MG261 MK389 MM95 MN976 MQ596 MW265 MY60 NA264 NG234 NL31 NP977 NZ64 PE51 "
    "PH63 PK92 PM508 PS970 PY595 RE262 RO40 RS381 RW250 SA966 SD249 SE46 SI386 SK421 SL232 SO252 "
    "SS211 SY963 TH66 TR90 TW886 TZ255 UA380 UG256 UY598 VE58 VN84 XK383 YE967 YT262 ZA27 ZM260 "
    "ZW263"
)
#: Countries whose numbers are dialled from abroad as they are.
_WITH_NOTHING = (
    "AC247 AD376 AO244 AW297 BF226 BH973 BI257 BJ229 BN673 BQ599 BT975 BW267 BZ501 CF236 CG242 "
    "CI225 CK682 CL56 CM237 CR506 CV238 CW599 CY357 CZ420 DJ253 DK45 EE372 ES34 FJ679 FK500 "
    "FM691 FO298 GA241 GI350 GL299 GM220 GN224 GQ240 GR30 GT502 GW245 GY592 HK852 HN504 HT509 "
    "IO246 IS354 IT39 KM269 KW965 LS266 LU352 LV371 ML223 MO853 MR222 MT356 MU230 MV960 MX52 "
    "MZ258 NC687 NE227 NF672 NI505 NO47 NR674 NU683 OM968 PA507 PF689 PG675 PL48 PT351 PW680 "
    "QA974 SB677 SC248 SG65 SH290 SJ47 SM378 SN221 SR597 ST239 SV503 SZ268 TA290 TD235 TG228 "
    "TJ992 TK690 TL670 TN216 TO676 TV688 UZ998 VA39 VU678 WF681 WS685"
)
_WITH_ONE = (
    "AG1 AI1 AS1 BB1 BM1 BS1 CA1 DM1 DO1 GD1 GU1 JM1 KN1 KY1 LC1 MH692 MP1 MS1 PR1 SX1 TC1 TT1 "
    "US1 VC1 VG1 VI1"
)
_OTHERS = {
    "BY": ("375", "8"),
    "HU": ("36", "06"),
    "KZ": ("7", "8"),
    "RU": ("7", "8"),
    "TM": ("993", "8"),
}
#: A shorter number is dialled inside a company or town only.
_DIGITS_MIN = 6
#: Before the prefix, as in "(089) 55501".
_OPENING = "( "


@cache
def _codes() -> dict[str, tuple[str, str]]:
    """Return the calling code and the prefix at home of each country."""
    found = dict(_OTHERS)
    for codes, prefix in ((_WITH_ZERO, "0"), (_WITH_NOTHING, ""), (_WITH_ONE, "1")):
        found |= {entry[:2]: (entry[2:], prefix) for entry in codes.split()}
    return found


def has_calling_code(country: str) -> bool:
    """Return whether numbers of a country (alpha-2) can be written in the international form."""
    return country in _codes()


def international(number: str, country: str) -> str:
    """Return a number that is written as at home in a country with its calling code.

    The rest stays as it is written. A number with a code, or too short for one, is returned as it
    is, with + in the place of 00.
    """
    written = number.strip()
    if written.startswith("00") and len(phone_digits(written)) > _DIGITS_MIN:
        return f"+{written[2:].lstrip()}"
    if "+" in main_number(written) or len(phone_digits(written)) < _DIGITS_MIN:
        return number
    code, prefix = _codes()[country]
    opening = written[: len(written) - len(written.lstrip(_OPENING))]
    rest = written[len(opening) :].removeprefix(prefix)
    return f"+{code} {opening.strip()}{rest.lstrip(' -/')}"
