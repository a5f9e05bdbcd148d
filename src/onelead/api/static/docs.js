// Shows the API with Swagger UI. Everything comes from this server, and so does every call.
"use strict";

window.SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#contract",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // Without this the document would be sent to a validator on the Internet.
  validatorUrl: null,
});
