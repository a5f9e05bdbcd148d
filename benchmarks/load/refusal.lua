-- Upserts by a name that very many leads share, which are refused.

require("report")

local headers, body

function init(args)
  read_arguments(args)
  headers, body = headers_for(values.keys), refused_upsert()
end

function request()
  return wrk.format("PUT", values.path, headers, body)
end
