-- Searches of one kind or of several, each for a different value.

require("report")

local headers

function init(args)
  read_arguments(args)
  math.randomseed(values.seed)
  headers = headers_for(values.keys)
end

function request()
  return wrk.format("POST", values.path, headers, next_search())
end
