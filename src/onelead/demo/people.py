"""The people of the demo: names, companies and places, drawn at random.

E-mails and sites end in `.example` and phone numbers are in the range 555-01xx, so none of them
can belong to a real person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

_FIRST_NAMES = """
Aaliyah Aaron Abigail Adam Adriana Ahmed Aiko Alan Alejandro Alice Amara Amelia Amir Ana Andre Anita
Anjali Anthony Arjun Ava Beatriz Ben Bianca Brandon Camila Carlos Carmen Caroline Chidi Chloe Chris
Claire Connor Daniel Darnell David Deepa Diego Dmitri Eleanor Elena Elijah Emily Emma Eric Esperanza
Ethan Farah Fatima Felix Fiona Gabriela Grace Greta Hannah Harper Hassan Hiro Holly Ibrahim Imani
Ines Isaac Isabel Ivan Jack Jada Jamal James Jasmine Javier Jenna Jin Joanna Jonas José Julia Kai
Karen Kavya Keiko Kenji Kevin Lakshmi Laura Leah Leo Leticia Liam Lin Linh Lucas Lucía Luis Maya
Malik Marcus Maria Marisol Martin Mateo Mei Mia Michael Miguel Mila Mina Nadia Naomi Natalie Neha
Nia Nicole Nina Noah Nora Olga Olivia Omar Oscar Paige Pablo Patricia Paul Pedro Peter Phuong Priya
Quinn Rachel Rafael Raj Ravi Rebecca René Ricardo Riley Rosa Ruth Ryan Sakura Salma Sam Samira Sara
Sean Selma Sergio Simone Sofia Sonia Stella Tara Tariq Teresa Thomas Tiffany Tina Tomás Tyler Uma
Valeria Victor Vikram Violet Wei William Xavier Yara Yasmin Yuki Yusuf Zainab Zoë
"""

_LAST_NAMES = """
Abbott Acosta Adeyemi Aguilar Ahmadi Alvarez Anderson Andrade Arroyo Bailey Banerjee Barnes Becker
Bennett Bergström Boateng Brennan Brooks Caldwell Calderón Campbell Castillo Chandra Chang Chavez
Chen Choi Coleman Contreras Cooper Cruz Dalton Das Davis Delgado Desai Diaz Dixon Donovan Dubois
Edwards Ellis Espinoza Estrada Farrell Fernandez Figueroa Fischer Fleming Flores Foster Fujimoto
Gallagher Garcia Garrett Gill Gomez Gonzales Graham Greene Griffin Guerrero Gupta Gutierrez Haddad
Hamilton Hansen Harris Hayashi Hayes Hernandez Herrera Hoffman Holloway Huang Hughes Huynh Ibarra
Iyer Jackson Jankowski Jenkins Jensen Johnson Jordan Kapoor Kaur Keller Kelly Khan Kim Kowalski
Kumar Lam Larsen Lawson Lee Leung Lewis Lindgren Lopez Lowe Lozano Luna Maldonado Marquez Martinez
Mbeki McCarthy Medina Mehta Mendoza Meyer Miller Mitchell Molina Montgomery Moreno Morgan Müller
Murphy Nakamura Navarro Nelson Nguyen Novak Nunez Okafor Olsen Ortega Osei Owens Pacheco Palmer Park
Patel Pearson Peña Perez Peterson Petrov Pham Porter Quintero Ramirez Ramos Rao Reed Reyes Rivera
Roberts Rojas Romero Rossi Ruiz Russo Saeed Salazar Sanchez Santos Schmidt Schneider Serrano Shah
Sharma Silva Singh Soto Stewart Suzuki Takahashi Tanaka Taylor Thompson Torres Tran Turner Valdez
Vargas Vasquez Vega Venkatesan Villanueva Vo Wagner Walker Wang Watanabe Webb Weber Wheeler Williams
Wong Wright Wu Yamamoto Yang Young Zamora Zhang Ziegler
"""

_COMPANY_NAMES = """
Alder Amber Anchor Bayview Beacon Birchwood Bluebird Canyon Cascade Cedar Chaparral Clearwater
Cobalt Copperfield Crestline Cypress Eastgate Elmwood Evergreen Fairmont Fieldstone Foothill
Golden Granite Greenleaf Harborview Hawthorn Hillcrest Ironwood Juniper Lakeside Laurel Lighthouse
Magnolia Manzanita Maple Marigold Meridian Mesa Northstar Oakmont Ocotillo Orchard Pacifica Palisade
Parkway Pinecrest Pioneer Redwood Ridgeway Riverbend Rosewood Sagebrush Sequoia Sierra Silverlake
Skyline Solano Spruce Stonebridge Summit Sunnyside Tamarack Timberline Valley Vista Westwood Willow
"""

_COMPANY_KINDS = (
    *("Foods", "Dental", "Logistics", "Brewing Co.", "Animal Hospital", "Farms", "Properties"),
    *("Charter School", "Fitness", "Hardware", "Cold Storage", "Vineyards", "Senior Living"),
    *("Machine Works", "Pediatrics", "Self Storage", "Bakery", "Auto Group", "Hotels", "Packaging"),
)

_TITLES = (
    *("Owner", "Facilities Manager", "Operations Director", "General Manager", "CFO", "COO"),
    *("Office Manager", "Property Manager", "Head of Sustainability", "Plant Manager"),
    *("Managing Partner", "Purchasing Manager", "Energy Manager", "Vice President, Operations"),
)

#: City, state, first digits of its postal codes, area code.
_PLACES = (
    *(("San Diego", "CA", "921", "619"), ("Oakland", "CA", "946", "510")),
    *(("Fresno", "CA", "937", "559"), ("Sacramento", "CA", "958", "916")),
    *(("Long Beach", "CA", "908", "562"), ("Bakersfield", "CA", "933", "661")),
    *(("Santa Rosa", "CA", "954", "707"), ("Riverside", "CA", "925", "951")),
    *(("San José", "CA", "951", "408"), ("Palm Springs", "CA", "922", "760")),
    *(("Phoenix", "AZ", "850", "602"), ("Tucson", "AZ", "857", "520")),
    *(("Flagstaff", "AZ", "860", "928"), ("Reno", "NV", "895", "775")),
    *(("Las Vegas", "NV", "891", "702"), ("Portland", "OR", "972", "503")),
)

_STREETS = (
    *("Alameda Street", "Arroyo Drive", "Canyon Road", "Cedar Avenue", "College Avenue"),
    *("El Camino Real", "Grand Avenue", "Harbor Boulevard", "Hillside Drive", "Lincoln Way"),
    *("Main Street", "Mission Street", "Mulberry Lane", "Orchard Road", "Park Avenue"),
    *("Railroad Avenue", "Sunset Boulevard", "Valencia Street", "Vista del Mar", "Willow Court"),
)

_MAIL_HOSTS = ("mail.example", "inbox.example", "post.example", "letters.example")
_BUSINESS_SHARE = 0.55


@dataclass
class Person:
    """A person who may become a customer."""

    number: int
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    city: str
    state: str
    postal_code: str
    #: Set if the person asks on behalf of a company.
    company: str | None = None
    title: str | None = None
    site: str | None = None
    #: Known once a delivery has created the lead.
    lead_id: int | None = None

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first_name} {self.last_name}"


def people(random: Random) -> Iterator[Person]:
    """Draw one person after another; no two have the same e-mail."""
    taken: set[str] = set()
    number = 0
    while True:
        number += 1
        person = _person(number, random)
        if person.email in taken:
            local, _, host = person.email.partition("@")
            person.email = f"{local}{number}@{host}"
        taken.add(person.email)
        yield person


def _person(number: int, random: Random) -> Person:
    first, last = random.choice(_words(_FIRST_NAMES)), random.choice(_words(_LAST_NAMES))
    city, state, postal_prefix, area = random.choice(_PLACES)
    person = Person(
        number,
        first,
        last,
        email=f"{_ascii(first)}.{_ascii(last)}@{random.choice(_MAIL_HOSTS)}",
        phone=f"({area}) 555-01{random.randrange(100):02}",
        street=f"{random.randrange(10, 9_900)} {random.choice(_STREETS)}",
        city=city,
        state=state,
        postal_code=f"{postal_prefix}{random.randrange(1, 60):02}",
    )
    if random.random() < _BUSINESS_SHARE:
        person.company = f"{random.choice(_words(_COMPANY_NAMES))} {random.choice(_COMPANY_KINDS)}"
        person.title = random.choice(_TITLES)
        host = f"{_ascii(person.company)}.example"
        person.site = f"https://www.{host}"
        person.email = f"{_ascii(first)}.{_ascii(last)}@{host}"
    return person


@cache
def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _ascii(text: str) -> str:
    """Return a text as it is written in an address."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(filter(str.isalnum, plain.lower()))
