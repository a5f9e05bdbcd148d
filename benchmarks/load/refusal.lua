-- Upserts by a name that very many leads share, which are refused.

require("report")

local path, headers, body

function init(args)
  read_arguments(args)
  path = values.path
  headers = {
    ["Content-Type"] = "application/json",
    ["X-PW-Application"] = "developer_api",
    ["X-PW-AccessToken"] = values.keys,
    ["X-PW-UserEmail"] = values.email,
  }
  body = string.format('{"properties":{"title":"Buyer"},"match":{"field_name":"name","field_value":"%s"}}',
    values.name)
end

function request()
  return wrk.format("PUT", path, headers, body)
end
