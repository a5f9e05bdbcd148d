-- Upserts by e-mail, half of people who are stored and half of people who are not.
-- Several keys belong to several accounts, over which the people are spread.

require("report")

local path, keys

function init(args)
  read_arguments(args)
  math.randomseed(values.seed)
  path = values.path
  keys = {}
  for key in tostring(values.keys):gmatch("[^,]+") do
    keys[#keys + 1] = key
  end
end

local body = '{"properties":{"name":"%s","email":{"email":"p%d@field.example","category":"work"},'
  .. '"phone_numbers":[{"number":"%s","category":"mobile"}],'
  .. '"company_name":"Field Supplies","title":"Buyer %d","tags":["tag%d"]},'
  .. '"match":{"field_name":"email","field_value":"p%d@field.example"}}'

function request()
  local person = next_person()
  local headers = {
    ["Content-Type"] = "application/json",
    ["X-PW-Application"] = "developer_api",
    ["X-PW-AccessToken"] = keys[person % #keys + 1],
    ["X-PW-UserEmail"] = values.email,
  }
  return wrk.format("PUT", path, headers, body:format(name_of(person), person, phone_of(person),
    math.random(1, 1000), person % 50, person))
end
