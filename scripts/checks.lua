-- What must hold before anything is published. `warn` is reported, `error` (the default) stops.

local check = require "pghost.check"

return {
  check.references("booking.user_id", "users.rn", { severity = "warn" }),
  check.references("users.company_id", "company.company_id", { severity = "warn" }),
  check.holds("booking", "booking_start_time <= booking_end_time"),
}
