"""What headers are called in other systems and languages, by target.

Copper, HubSpot, Salesforce, Pipedrive, Mailchimp, Google Contacts, Outlook, Facebook's lead ads and
forms of all kinds; English, German, French, Spanish, Italian, Portuguese and Dutch. Of two columns
for one target, the name that comes first here is taken.
"""

from __future__ import annotations

HEADER_NAMES = {
    "name": "full name|complete name|contact name|lead name|person name|customer name|client name"
    "|contact full name|your name|name and surname|Person - Name|contact|person|lead|customer"
    "|client|display name|E-mail Display Name|vollständiger Name|Vor- und Nachname"
    "|Vorname Nachname|Vorname und Nachname|Ansprechpartner|Kontakt|Kontaktname|Kundenname|Kunde"
    "|nom complet|nom et prénom|prénom et nom|nom du contact|nom du client|nombre completo"
    "|nombre y apellidos|nombre del contacto|contacto|nome completo|nome e cognome|nominativo"
    "|contatto|nome do contato|contato|volledige naam|contactpersoon|naam|nombre|nome|nom"
    "|file as",
    "first_name": "first name|given name|forename|fname|first|Lead First Name|contact first name"
    "|Person - First name|Vorname|Rufname|prénom|prénoms|nombre de pila|primer nombre"
    "|nombre propio|nome di battesimo|primeiro nome|nome próprio|voornaam|roepnaam",
    "middle_name": "middle|middle initial|additional name|zweiter Vorname|deuxième prénom"
    "|segundo nombre|secondo nome|nome do meio|tussenvoegsel|tweede voornaam",
    "last_name": "last name|surname|family name|lname|last|Lead Last Name|contact last name"
    "|Person - Last name|Nachname|Familienname|Zuname|nom de famille|apellidos|apellido"
    "|primer apellido|cognome|sobrenome|apelido|último nome|achternaam|familienaam",
    "prefix": "name prefix|honorific prefix|Titel|salutation|courtesy title|honorific|Anrede"
    "|akademischer Titel|civilité|tratamiento|titolo|tratamento|aanhef|titulatuur",
    "suffix": "name suffix|honorific suffix|generational suffix|Namenszusatz|suffixe|sufijo"
    "|suffisso|sufixo|achtervoegsel",
    "title": "job title|position|job position|role|job role|occupation|job|designation"
    "|contact title|Organization Title|Organization 1 - Title|Person - Job title|Funktion"
    "|Berufsbezeichnung|Stellenbezeichnung|Jobtitel|Beruf|Rolle|fonction|poste"
    "|intitulé du poste|profession|titre|puesto|cargo|puesto de trabajo|función|profesión"
    "|qualifica|ruolo|mansione|posizione|professione|função|profissão|functie|functietitel|beroep",
    "company_name": "company name|organization|organisation|Organization Name"
    "|Organization - Name|Organization 1 - Name|Lead - Organization|Person - Organization"
    "|company / account|account name|account|associated company|primary company|business name"
    "|business|employer|firm|org|Firma|Firmenname|Unternehmen|Unternehmensname|Arbeitgeber"
    "|société|entreprise|raison sociale|nom de l'entreprise|nom de la société|empresa|compañía"
    "|nombre de la empresa|razón social|organización|azienda|società|ditta|ragione sociale"
    "|nome azienda|nome da empresa|organização|companhia|bedrijf|bedrijfsnaam|organisatie"
    "|onderneming",
    "details": "notes|note|description|comments|comment|message|your message|remarks|about"
    "|background|additional information|lead description|Notizen|Notiz|Bemerkungen|Bemerkung"
    "|Beschreibung|Kommentar|Kommentare|Anmerkungen|Anmerkung|Nachricht|Mitteilung|remarques"
    "|remarque|commentaires|commentaire|descripción|notas|nota|comentarios|comentario|mensaje"
    "|observaciones|descrizione|commenti|commento|messaggio|osservazioni|descrição|observações"
    "|comentários|comentário|mensagem|opmerkingen|opmerking|notities|notitie|beschrijving"
    "|bericht",
    "email": "email address|email adress|mail|mail address|primary email|main email|email id"
    "|your email|contact email|lead email|Person - Email|email value|email.email|Mailadresse"
    "|E-Mail-Adresse|adresse e-mail|adresse email|adresse mail|courriel|adresse électronique"
    "|correo electrónico|correo|dirección de correo electrónico|dirección de correo"
    "|indirizzo e-mail|indirizzo email|posta elettronica|endereço de e-mail|correio eletrônico"
    "|correio eletrónico|e-mailadres|mailadres",
    "email:work": "business email|company email|office email|professional email"
    "|Person - Email - Work|E-Mail geschäftlich|geschäftliche E-Mail|e-mail professionnel"
    "|correo del trabajo|e-mail lavoro|e-mail comercial|zakelijk e-mailadres",
    "email:personal": "private email|home email|Person - Email - Home|E-Mail privat|private E-Mail"
    "|e-mail personnel|correo personal|e-mail personale|e-mail pessoal|privé e-mail",
    "email:other": "secondary email|alternate email|alternative email|additional emails"
    "|additional email addresses|Person - Email - Other|weitere E-Mail",
    "phone": "phone number|telephone|telephone number|tel|tel no|phone no|contact number"
    "|primary phone|main phone|your phone|lead phone|contact phone|Person - Phone|phone value"
    "|phone_numbers.number|Telefon|Telefonnummer|Tel.-Nr.|Rufnummer|Fon|téléphone"
    "|numéro de téléphone|n° de téléphone|tél|teléfono|número de teléfono|telefono"
    "|numero di telefono|recapito telefonico|telefone|número de telefone|telefoon"
    "|telefoonnummer|tel. nummer",
    "phone:mobile": "mobile|mobile number|mobile phone number|mobile no|cell|cell phone"
    "|cell number|cellular|whatsapp|whatsapp number|WhatsApp Phone Number|Person - Phone - Mobile"
    "|Handy|Handynummer|Mobil|Mobilnummer|Mobiltelefon|Telefon mobil|portable"
    "|téléphone portable|téléphone mobile|móvil|teléfono móvil|celular|teléfono celular"
    "|cellulare|telefono cellulare|numero di cellulare|telemóvel|telefone celular|mobiel"
    "|mobiele telefoon|mobiel nummer|gsm",
    "phone:work": "business phone|business phone 2|office phone|company main phone|direct phone"
    "|company phone|Person - Phone - Work|Telefon geschäftlich|Geschäftstelefon"
    "|téléphone professionnel|teléfono del trabajo|telefono ufficio|telefone comercial"
    "|telefoon werk|zakelijke telefoon",
    "phone:home": "home phone 2|private phone|Person - Phone - Home|Telefon privat|Privattelefon"
    "|téléphone domicile|téléphone personnel|teléfono particular|teléfono de casa"
    "|telefono casa|telefone residencial|telefoon thuis",
    "phone:other": "alternate phone|secondary phone|Person - Phone - Other|weiteres Telefon",
    "website": "website URL|web site|web page|webpage|homepage|home page|url|web|lead website"
    "|website value|websites.url|Webseite|Internetseite|Internet|site web|site internet"
    "|page web|sitio web|página web|sito web|sito internet|sito|site|webadres",
    "website:work": "company website|business website|company url",
    "website:personal": "personal web page|blog",
    "social": "social|socials.url|social media|instagram|instagram url|xing|xing url|tiktok",
    "social:linkedin": "linkedin url|linkedin profile|linkedin profile url|linkedin link"
    "|LinkedIn Contact Profile URL|linkedin_url|LinkedIn-Profil|Profil LinkedIn"
    "|perfil de LinkedIn|profilo LinkedIn",
    "social:twitter": "twitter username|twitter handle|twitter url|twitter profile",
    "social:facebook": "facebook url|facebook profile|facebook page",
    "social:youtube": "youtube channel|youtube url",
    "address": "full address|mailing address|postal address|address formatted|business address"
    "|billing address|primary address|home address|location|Adresse|Anschrift|Postanschrift"
    "|adresse complète|adresse postale|dirección|dirección completa|dirección postal|domicilio"
    "|indirizzo|indirizzo completo|endereço|endereço completo|morada|adres|volledig adres",
    "address.street": "street address|address street|street name|address line 1|address 1"
    "|Business Street|mailing street|street line 1|Straße und Hausnummer|Straße & Hausnummer"
    "|Straße, Hausnummer|Straße/Hausnummer|Straße Hausnr.|Straße Nr.|Straße|Adresszeile 1|rue"
    "|numéro et rue|adresse ligne 1|calle y número|calle|via e numero|via|rua|logradouro"
    "|straat en huisnummer|straat|straatnaam|adresregel 1|home street|other street",
    "address.city": "town|address city|Business City|mailing city|city/town|town/city|locality"
    "|Stadt|Ort|Wohnort|ville|commune|localité|ciudad|población|localidad|municipio|città"
    "|comune|località|cidade|município|localidade|plaats|woonplaats|stad|home city|other city",
    "address.state": "state/region|state/province|province|region|address state|address region"
    "|Business State|mailing state|mailing state/province|county|state code|Bundesland|Kanton"
    "|département|région|provincia|comunidad autónoma|estado|regione|uf|provincie|home state"
    "|other state",
    "address.postal_code": "post code|zip|zip code|zip/postal code|address postal code"
    "|Business Postal Code|mailing zip/postal code|mailing zip|pin code|PLZ|Postleitzahl"
    "|code postal|código postal|codigo postal|cp|cap|codice postale|cep|código de postal"
    "|home postal code|other postal code",
    "address.country": "country/region|country name|address country|Business Country/Region"
    "|Business Country|mailing country|country code|Land|pays|país|paese|nazione|land/regio"
    "|Land/Region|home country/region|home country|other country/region|other country",
    "tags": "tag|labels|label|categories|category|groups|group membership|lists"
    "|segments|Lead - Labels|lead labels|Person - Labels|Schlagwörter|Schlagworte|Kategorien"
    "|Kategorie|étiquettes|étiquette|mots-clés|catégories|catégorie|etiquetas|etiqueta"
    "|categorías|categoría|etichette|etichetta|categorie|categoria|categorias|marcadores"
    "|trefwoorden",
    "status": "lead status|lead stage|stage|contact status|Lead-Status|Leadstatus|statut"
    "|statut du lead|statut du prospect|estado del lead|estado del cliente potencial"
    "|stato del lead|stato lead|status do lead|fase|status_id",
    "assignee": "owner|lead owner|contact owner|record owner|assigned to|owned by|owner name"
    "|owner email|owner id|account owner|hubspot owner|sales rep|salesperson|sales owner"
    "|Lead - Owner|Person - Owner|assignee_id|zuständig|zugewiesen an|Besitzer|Eigentümer"
    "|Inhaber|Betreuer|Bearbeiter|propriétaire|responsable|attribué à|assigné à|propietario"
    "|asignado a|proprietario|assegnato a|responsabile|proprietário|atribuído a|responsável"
    "|eigenaar|toegewezen aan|verantwoordelijke",
    "customer_source": "lead source|customer source|contact source|source of lead"
    "|customer_source_id|Lead - Source|Lead - Source origin|original source"
    "|how did you hear about us|Quelle|Leadquelle|Herkunft|origine|provenance|source du lead"
    "|fuente|origen|fuente del lead|fonte|provenienza|origem|fonte do lead|bron|leadbron|herkomst",
    "monetary_value": "amount|lead value|deal value|Lead - Value|estimated value|expected value"
    "|expected revenue|opportunity amount|monetary value|Wert|Betrag|Auftragswert|valeur|montant"
    "|valor|importe|monto|valore|importo|waarde|bedrag",
    "monetary_unit": "currency code|currency iso code|monetary unit|Lead - Value currency"
    "|Lead - Currency of Value|Währung|devise|moneda|divisa|valuta|moeda",
    "email.category": "email type|email label",
    "phone.category": "phone_numbers.category|phone type|phone label",
    "website.category": "websites.category|website type|website label",
    "social.category": "socials.category",
}
#: Further lines of a street.
SECOND_LINES = (
    "street 2|street line 2|address line 2|address line 3|address 2|street address 2"
    "|street address line 2|Business Street 2|Business Street 3|mailing street 2"
    "|address 1 - extended address|address extended address|Adresszusatz|Adresszeile 2"
    "|Hausnummer|Hausnr.|house number|huisnummer|complément d'adresse|adresse ligne 2"
    "|número exterior|numero civico|adresregel 2"
)
#: What is known to be no field of a lead. When a lead was created elsewhere is one only for those
#: who say so: a lead that comes now would otherwise be found among old ones.
NO_FIELDS = (
    "id|lead id|record id|contact id|person id|copper id|external id|prosperworks id|company id"
    "|ad id|ad name|adset id|adset name|campaign id|campaign name|form id|form name|is organic"
    "|platform|MEMBER_RATING|OPTIN_TIME|OPTIN_IP|CONFIRM_TIME|CONFIRM_IP|LAST_CHANGED|LATITUDE"
    "|LONGITUDE|GMTOFF|DSTOFF|TIMEZONE|LEID|EUID|interactions|interaction count"
    "|last contacted|date last contacted|last contact|last interaction|changed|changed at"
    "|date modified|modified|modified at|modified date|last modified|last modified date|updated"
    "|updated at|date updated|last activity|last activity date|inactive days|version|visibility"
    "|converted|converted at|converted unit|converted value|converted contact id"
    "|converted opportunity id|converted account id|photo|yomi name|given name yomi"
    "|family name yomi|phonetic first name|phonetic middle name|phonetic last name|nickname"
    "|business fax|home fax|other fax|fax|telex|pager|sensitivity|priority|private"
    "|initials|user created|rev|uid|prodid|version|match field name|match field value|why|line"
    "|match field value custom field definition id|match field value value|read|subscriber id"
    "|unsubscribed|is deleted|lead - id|person - id"
    "|date created|created at|created on|create date|created date|creation date"
    "|created time|date added|added|added on|added at|lead created|Lead - Lead created"
    "|timestamp|submitted at|submission date|erstellt|erstellt am|Erstellungsdatum"
    "|angelegt am|Anlagedatum|créé le|date de création|fecha de creación|creado el|creado"
    "|data di creazione|creato il|data de criação|criado em|aangemaakt op|aangemaakt"
    "|aanmaakdatum"
)
