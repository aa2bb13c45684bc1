-- scripts/rules/users.lua: what a user must look like
local r = require "pghost.rules"
local clean = require "rules.cleaning"

return r.table("users", {
  { "rn", clean(r.bigint()):required() },
  { "created_at", clean(r.timestamp()) },
  { "company_id", clean(r.bigint()) },
  { "status", clean(r.text()) },
  { "demo_user", clean(r.boolean()):required() },
}, {
  key = "rn",
})
