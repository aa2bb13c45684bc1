-- How many different users booked, by the month they made the booking in?
-- Of the bookings that start in the six months up to as_of; bookings of unknown users are left out.
SELECT
  date_trunc('month', b.created_at)::date AS month,
  count(DISTINCT b.user_id) AS unique_users
FROM booking AS b
JOIN users AS u ON u.rn = b.user_id
WHERE b.booking_start_time > :as_of - interval '6 months'
  AND b.booking_start_time <= :as_of
  AND NOT (:leave_out_demo_users AND u.demo_user)
  AND NOT (:leave_out_demo_bookings AND b.is_demo)
  AND NOT (:leave_out_without_created_at AND b.created_at IS NULL)
GROUP BY month
ORDER BY month
