-- The one helper that busted takes: what the environment asks for, and what holds for each spec.

require "support.leftovers"
if (os.getenv "PGHOST_SPEC_TOTALS" or "") ~= "" then
  require "support.totals"
end
