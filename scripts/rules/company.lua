-- scripts/rules/company.lua: what a company must look like
local r = require "pghost.rules"
local clean = require "rules.cleaning"

return r.table("company", {
  { "company_id", clean(r.bigint()):required() },
  { "company_name", clean(r.text()):required() },
}, {
  key = "company_id",
})
