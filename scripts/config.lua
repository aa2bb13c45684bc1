-- What this pipeline runs with. Every setting and parameter is also an option of the command line:
-- `pghost scripts/pipeline.lua --data DIR --as-of '2024-06-30 00:00:00' --leave-out-demo-users no`.

return {
  data = "data", -- folder with the CSV files, relative to the project
  schema = "public", -- schema that the tables are published into
  as_of = "2024-06-30 00:00:00", -- the analytics look back from here; "": the start of the run

  -- Values of this pipeline's own: parameters of its SQL (:leave_out_demo_users).
  parameters = {
    -- Open business questions, each answered here and nowhere else (see sql/analytics).
    leave_out_demo_users = true, -- do users with demo_user count?
    leave_out_demo_bookings = true, -- do bookings with is_demo count?
    leave_out_without_created_at = true, -- do bookings without a creation time count?
  },
}
