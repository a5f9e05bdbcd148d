"""Files in and out: reading them, importing their rows, exporting what an account has."""
