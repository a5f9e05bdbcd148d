-- Upserts by e-mail, half of people who are stored and half of people who are not.
-- Several keys belong to several accounts, over which the people are spread.

require("report")

local headers = {}

function init(args)
  read_arguments(args)
  math.randomseed(values.seed)
  for key in tostring(values.keys):gmatch("[^,]+") do
    headers[#headers + 1] = headers_for(key)
  end
end

function request()
  local person = next_person()
  return wrk.format("PUT", values.path, headers[person % #headers + 1], upsert_of(person))
end
