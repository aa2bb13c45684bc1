-- How many users of each company took more than 30 days from being created to their first booking?
-- The first booking is the one that starts first, whatever as_of. Users who never booked, users
-- without a creation time and users of unknown companies are left out.
WITH first_booking AS (
  SELECT b.user_id, min(b.booking_start_time) AS starts
  FROM booking AS b
  WHERE NOT (:leave_out_demo_bookings AND b.is_demo)
    AND NOT (:leave_out_without_created_at AND b.created_at IS NULL)
  GROUP BY b.user_id
)
SELECT
  c.company_name,
  count(*) AS num_users
FROM first_booking AS f
JOIN users AS u ON u.rn = f.user_id
JOIN company AS c ON c.company_id = u.company_id
WHERE f.starts > u.created_at + interval '30 days'
  AND NOT (:leave_out_demo_users AND u.demo_user)
GROUP BY c.company_name
ORDER BY c.company_name
