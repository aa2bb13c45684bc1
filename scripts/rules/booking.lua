-- scripts/rules/booking.lua: what a booking must look like
local r = require "pghost.rules"
local clean = require "rules.cleaning"

return r.table("booking", {
  { "user_id", clean(r.bigint()):required() },
  { "booking_id", clean(r.bigint()):required() },
  { "created_at", clean(r.timestamp()) },
  { "status", clean(r.text()) },
  { "checkin_status", clean(r.text()) },
  { "booking_start_time", clean(r.timestamp()):required() },
  { "booking_end_time", clean(r.timestamp()) },
  { "is_demo", clean(r.boolean()):required() },
}, {
  key = "booking_id",
  row = { r.compare("booking_start_time", "<=", "booking_end_time") },
})
