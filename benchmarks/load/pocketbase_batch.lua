-- PocketBase's upsert: a batch of one PUT. It finds the record by its id, so the client has to
-- derive the id from the e-mail; here the number of the person takes the place of a digest.

require("report")

local headers

function init(args)
  read_arguments(args)
  math.randomseed(values.seed)
  headers = {["Content-Type"] = "application/json", ["Authorization"] = values.token}
end

local body = '{"requests":[{"method":"PUT","url":"/api/collections/leads/records","body":'
  .. '{"id":"p%014d","name":"%s","email":"p%d@field.example",'
  .. '"phone_numbers":[{"number":"%s","category":"mobile"}],'
  .. '"company_name":"Field Supplies","title":"Buyer %d","tags":["tag%d"]}}]}'

function request()
  local person = next_person()
  return wrk.format("POST", "/api/batch", headers, body:format(person, name_of(person), person,
    phone_of(person), math.random(1, 1000), person % 50))
end
