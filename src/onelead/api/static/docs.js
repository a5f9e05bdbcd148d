// Shows the API with Swagger UI. Everything comes from this server, and every call goes to it.
"use strict";

const ui = window.SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#contract",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // Without this the document would be sent to a validator on the Internet.
  validatorUrl: null,
  // The same for everybody, so that only the key and the e-mail are left to fill in.
  onComplete: () => ui.preauthorizeApiKey("Application", "developer_api"),
});
