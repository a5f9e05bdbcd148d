-- Searches of one kind, each for a different value: in `criterion`, %n is replaced by a number below
-- n, and %phone by a phone number.

require("report")

local path, headers

function init(args)
  read_arguments(args)
  math.randomseed(values.seed)
  path = values.path
  headers = {
    ["Content-Type"] = "application/json",
    ["X-PW-Application"] = "developer_api",
    ["X-PW-AccessToken"] = values.keys,
    ["X-PW-UserEmail"] = values.email,
  }
end

function request()
  local number = math.random(0, values.people - 1)
  local criterion = values.criterion:gsub("%%phone", phone_of(number)):gsub("%%(%d+)", function(most)
    return tostring(number % tonumber(most))
  end)
  return wrk.format("POST", path, headers,
    string.format('{%s"page_number":%d,"page_size":20}', criterion, values.page))
end
