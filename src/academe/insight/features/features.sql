-- Features of every enrolment still registered at the end of a day, from facts dated on or before that day alone.
-- The scope is a JSON list of objects with offering_id and as_of: each offering has its own day.
-- A submission is known on its day, its score from its marking day, a withdrawal or an outcome from its own day.
-- Ranks are shares of the still-registered class that lie below, so that they carry over between offerings.
WITH scope AS MATERIALIZED (
  SELECT o.id AS offering_id, o.unit_id, o.starts_on, o.ends_on, o.ends_on - o.starts_on AS length_days, c.as_of,
         c.as_of - o.starts_on AS as_of_day
  FROM jsonb_to_recordset(CAST({scope} AS jsonb)) AS c(offering_id uuid, as_of date)
  JOIN offering o ON o.id = c.offering_id
),
returned AS (  -- enrolments that waited or were given back show their last step; the others are in their history
  SELECT h.enrollment_id
  FROM enrollment_status_change h
  WHERE h.enrollment_id IN (SELECT other.id FROM scope s JOIN enrollment e ON e.offering_id = s.offering_id
                            JOIN enrollment other ON other.student_id = e.student_id)
  GROUP BY h.enrollment_id
  HAVING bool_or(h.status IN ('requested', 'waitlisted')) OR max(h.effective_on) FILTER (WHERE h.status = 'enrolled')
    >= min(h.effective_on) FILTER (WHERE h.status IN ('withdrawn', 'completed', 'rejected'))
),
step AS (
  SELECT h.enrollment_id, h.status, h.effective_on AS since, lead(h.effective_on) OVER steps AS until,
         row_number() OVER steps AS number
  FROM returned JOIN enrollment_status_change h ON h.enrollment_id = returned.enrollment_id
  WINDOW steps AS (PARTITION BY h.enrollment_id ORDER BY h.effective_on, h.recorded_at, h.id)
),
standing AS MATERIALIZED (  -- what each of those was, from a day until before another
  SELECT enrollment_id, status, since, coalesce(until, 'infinity') AS until FROM step
  UNION ALL
  SELECT enrollment_id, CASE WHEN status IN ('withdrawn', 'completed') THEN 'enrolled' ELSE 'unknown' END,
         CAST('-infinity' AS date), since  -- what ended without having begun was begun on a day that the source does not say
  FROM step WHERE number = 1
),
roster AS MATERIALIZED (
  SELECT e.id AS enrollment_id, e.offering_id, e.student_id, s.unit_id, s.starts_on, s.length_days, s.as_of, s.as_of_day,
         CASE WHEN t.since > '-infinity' THEN t.since WHEN t.since IS NULL THEN e.enrolled_on END - s.starts_on
           AS registered_day,
         e.previous_attempts, e.studied_credits, e.prior_education_level
  FROM scope s
  JOIN enrollment e ON e.offering_id = s.offering_id
  LEFT JOIN standing t ON t.enrollment_id = e.id AND t.since <= s.as_of AND t.until > s.as_of
  WHERE e.student_id NOT IN (SELECT restricted_students())  -- their data are kept and not used
    AND CASE WHEN t.status IS NOT NULL THEN t.status IN ('enrolled', 'completed')
             ELSE coalesce(e.enrolled_on, '-infinity') <= s.as_of
              AND coalesce(e.withdrawn_on, 'infinity') > s.as_of
              AND e.status IN ('enrolled', 'withdrawn', 'completed') END
),
visit AS MATERIALIZED (  -- the learner days known on the day
  SELECT d.enrollment_id, r.offering_id, d.day - r.starts_on AS day, r.as_of - d.day AS days_ago,
         (r.as_of - d.day) / 7 AS weeks_ago, ln(1 + d.clicks) AS effort,
         d.day - lag(d.day) OVER (PARTITION BY d.enrollment_id ORDER BY d.day) AS gap,
         d.clicks, d.sites, d.new_sites, d.content, d.resource, d.forum, d.quiz, d.page, d.homepage, d.together
  FROM roster r
  JOIN learner_day d ON d.enrollment_id = r.enrollment_id AND d.day <= r.as_of
),
activity AS (
  SELECT enrollment_id,
    min(days_ago) AS days_since_visit,
    max(days_ago) AS days_since_first_visit,
    sum(clicks) FILTER (WHERE day < 0) AS clicks_before,
    count(*) FILTER (WHERE day < 0) AS days_before,
    sum(new_sites) FILTER (WHERE day < 0) AS sites_before,
    sum(clicks) FILTER (WHERE day >= 0) AS clicks,
    sum(effort) FILTER (WHERE day >= 0) AS effort,
    count(*) FILTER (WHERE day >= 0) AS active_days,
    count(*) FILTER (WHERE days_ago < 3) AS active_days_3,
    count(*) FILTER (WHERE days_ago < 7) AS active_days_7,
    count(*) FILTER (WHERE days_ago < 14) AS active_days_14,
    count(*) FILTER (WHERE days_ago < 28) AS active_days_28,
    count(*) FILTER (WHERE days_ago >= 14 AND days_ago < 28) AS active_days_14_before,
    sum(clicks) FILTER (WHERE days_ago < 7) AS clicks_7,
    sum(clicks) FILTER (WHERE days_ago < 14) AS clicks_14,
    sum(clicks) FILTER (WHERE days_ago >= 14 AND days_ago < 28) AS clicks_14_before,
    sum(clicks) FILTER (WHERE days_ago < 28) AS clicks_28,
    sum(effort * exp(-days_ago / 10::double precision)) AS effort_recent,
    sum(sites) FILTER (WHERE day >= 0) AS site_days,
    sum(new_sites) AS sites,
    sum(new_sites) FILTER (WHERE days_ago < 7) AS new_sites_7,
    sum(new_sites) FILTER (WHERE days_ago < 14) AS new_sites_14,
    sum(new_sites) FILTER (WHERE days_ago < 28) AS new_sites_28,
    sum(sites) FILTER (WHERE days_ago < 14) AS site_days_14,
    sum(content) AS content, sum(content) FILTER (WHERE days_ago < 28) AS content_28,
    sum(resource) AS resource, sum(resource) FILTER (WHERE days_ago < 28) AS resource_28,
    sum(forum) AS forum, sum(forum) FILTER (WHERE days_ago < 28) AS forum_28,
    sum(quiz) AS quiz, sum(quiz) FILTER (WHERE days_ago < 28) AS quiz_28,
    sum(page) AS page, sum(page) FILTER (WHERE days_ago < 28) AS page_28,
    sum(homepage) AS homepage, sum(homepage) FILTER (WHERE days_ago < 28) AS homepage_28,
    sum(together) AS together, sum(together) FILTER (WHERE days_ago < 28) AS together_28,
    count(*) FILTER (WHERE forum > 0 AND day >= 0) AS forum_days,
    count(*) FILTER (WHERE quiz > 0 AND day >= 0) AS quiz_days,
    count(*) FILTER (WHERE content > 0 AND day >= 0) AS content_days,
    max(gap) FILTER (WHERE day >= 0) AS longest_gap,
    stddev_samp(effort) FILTER (WHERE day >= 0) AS effort_spread
  FROM visit GROUP BY enrollment_id
),
week_of_offering AS (
  SELECT DISTINCT offering_id, weeks_ago FROM visit WHERE day >= 0
),
week AS (
  SELECT enrollment_id, weeks_ago, sum(clicks) AS clicks, count(*) AS active_days, sum(new_sites) AS new_sites, sum(sites) AS sites
  FROM visit WHERE day >= 0 GROUP BY enrollment_id, weeks_ago
),
week_ranked AS (
  SELECT r.enrollment_id, w.weeks_ago, coalesce(k.clicks, 0) AS clicks, coalesce(k.active_days, 0) AS active_days,
    percent_rank() OVER (PARTITION BY r.offering_id, w.weeks_ago ORDER BY coalesce(k.clicks, 0)) AS clicks_rank,
    percent_rank() OVER (PARTITION BY r.offering_id, w.weeks_ago ORDER BY coalesce(k.sites, 0)) AS sites_rank
  FROM roster r
  JOIN week_of_offering w ON w.offering_id = r.offering_id
  LEFT JOIN week k ON k.enrollment_id = r.enrollment_id AND k.weeks_ago = w.weeks_ago
),
regularity AS (
  SELECT enrollment_id,
    avg(clicks_rank) AS week_rank,
    avg(clicks_rank) FILTER (WHERE weeks_ago < 3) AS week_rank_3,
    avg(clicks_rank) FILTER (WHERE weeks_ago < 6) AS week_rank_6,
    avg(sites_rank) AS week_sites_rank,
    avg(sites_rank) FILTER (WHERE weeks_ago < 3) AS week_sites_rank_3,
    min(clicks_rank) FILTER (WHERE weeks_ago < 6) AS week_rank_worst_6,
    -regr_slope(clicks_rank, weeks_ago) AS week_rank_slope,
    stddev_samp(clicks_rank) AS week_rank_spread,
    count(*) FILTER (WHERE clicks = 0) AS weeks_absent,
    count(*) FILTER (WHERE clicks = 0 AND weeks_ago < 6) AS weeks_absent_6,
    min(CASE WHEN clicks = 0 THEN weeks_ago END) AS weeks_streak,
    max(clicks_rank) FILTER (WHERE weeks_ago = 0) AS week_rank_0,
    max(clicks_rank) FILTER (WHERE weeks_ago = 1) AS week_rank_1,
    max(clicks_rank) FILTER (WHERE weeks_ago = 2) AS week_rank_2,
    max(clicks_rank) FILTER (WHERE weeks_ago = 3) AS week_rank_3ago
  FROM week_ranked GROUP BY enrollment_id
),
work AS (  -- coursework of the offering; an exam comes after everything scored here. A weight of zero counts as one
  SELECT a.id AS assessment_id, a.offering_id, a.title, a.kind, a.due_on, greatest(a.weight, 1)::double precision AS weight,
         s.as_of, a.due_on <= s.as_of AS is_due, a.due_on - s.as_of AS days_left,
         row_number() OVER (PARTITION BY a.offering_id, a.due_on <= s.as_of, a.kind = 'assignment'
                            ORDER BY abs(a.due_on - s.as_of), a.title) AS distance
  FROM scope s
  JOIN assessment a ON a.offering_id = s.offering_id
  WHERE a.kind <> 'exam' AND a.due_on IS NOT NULL
),
submission AS MATERIALIZED (
  SELECT p.enrollment_id, r.assessment_id, r.carried_over, w.title, w.kind, w.due_on, w.weight, w.is_due, w.distance,
         CASE WHEN NOT r.carried_over THEN w.due_on - r.submitted_on END AS days_early,
         w.as_of - r.submitted_on AS days_since,
         CASE WHEN r.marked_on <= w.as_of AND NOT r.carried_over THEN (100 * r.score / r.max_score)::double precision END
           AS score,
         CASE WHEN NOT r.carried_over THEN
           percent_rank() OVER (PARTITION BY r.assessment_id, r.carried_over ORDER BY r.submitted_on) END AS submitted_rank
  FROM work w
  JOIN result r ON r.assessment_id = w.assessment_id AND (r.carried_over OR r.submitted_on <= w.as_of)
  JOIN roster p ON p.offering_id = w.offering_id AND p.student_id = r.student_id
),
marked AS (
  SELECT enrollment_id, kind, weight, score,
    percent_rank() OVER (PARTITION BY assessment_id ORDER BY score) AS score_rank,
    row_number() OVER (PARTITION BY enrollment_id ORDER BY due_on DESC, title) AS recency
  FROM submission WHERE score IS NOT NULL
),
marks AS (
  SELECT enrollment_id, count(*) AS marked_count,
    sum(score * weight) / sum(weight) AS score_mean,
    sum(score_rank * weight) / sum(weight) AS score_rank,
    min(score_rank) AS score_rank_min, max(score_rank) AS score_rank_max, min(score) AS score_min,
    max(score) FILTER (WHERE recency = 1) AS score_last,
    max(score_rank) FILTER (WHERE recency = 1) AS score_rank_last,
    max(score_rank) FILTER (WHERE recency = 1) - avg(score_rank) FILTER (WHERE recency > 1) AS score_rank_change,
    avg(score_rank) FILTER (WHERE kind = 'assignment') AS assignment_rank,
    avg(score_rank) FILTER (WHERE kind = 'quiz') AS quiz_score_rank,
    sum(weight) AS marked_weight, sum(score * weight) AS marked_points
  FROM marked GROUP BY enrollment_id
),
due AS (
  SELECT offering_id,
    count(*) FILTER (WHERE is_due) AS due_count, coalesce(sum(weight) FILTER (WHERE is_due), 0) AS due_weight, sum(weight) AS all_weight,
    min(days_left) FILTER (WHERE NOT is_due) AS days_to_next,
    min(-days_left) FILTER (WHERE is_due) AS days_since_due
  FROM work GROUP BY offering_id
),
uptake AS (  -- how much of the class has handed in each assessment
  SELECT w.assessment_id, count(s.enrollment_id)::double precision / max(c.learners) AS share
  FROM work w JOIN (SELECT offering_id, count(*) AS learners FROM roster GROUP BY offering_id) c ON c.offering_id = w.offering_id
  LEFT JOIN submission s ON s.assessment_id = w.assessment_id
  GROUP BY w.assessment_id
),
expected AS (
  SELECT w.offering_id, sum(w.weight * u.share) AS weight, sum(u.share) AS pieces
  FROM work w JOIN uptake u ON u.assessment_id = w.assessment_id GROUP BY w.offering_id
),
handed_in AS (
  SELECT enrollment_id,
    count(*) AS submitted_count, sum(weight) AS submitted_weight,
    count(*) FILTER (WHERE carried_over) AS carried_over_count,
    count(*) FILTER (WHERE is_due) AS submitted_due_count, sum(weight) FILTER (WHERE is_due) AS submitted_due_weight,
    count(*) FILTER (WHERE is_due AND kind = 'assignment' AND distance = 1) AS last_assignment_submitted,
    count(*) FILTER (WHERE NOT is_due AND kind = 'assignment' AND distance = 1) AS next_assignment_submitted,
    sum(u.share) AS submitted_share_sum,
    avg(days_early::double precision) AS days_early,
    min(days_early) AS days_early_min,
    avg(submitted_rank) AS submitted_rank,
    max(CASE WHEN distance = 1 AND kind = 'assignment' AND is_due THEN submitted_rank END) AS submitted_rank_last,
    min(days_since) AS days_since_submission
  FROM submission s JOIN uptake u ON u.assessment_id = s.assessment_id GROUP BY enrollment_id
),
other AS (
  SELECT r.enrollment_id, e.offering_id, e.outcome, e.outcome_on,
    coalesce(t.status = 'withdrawn', e.withdrawn_on <= r.as_of, false) AS has_left,
    CASE WHEN t.since > '-infinity' THEN t.since WHEN t.since IS NULL THEN e.enrolled_on END AS begun_on
  FROM roster r
  JOIN enrollment e ON e.student_id = r.student_id AND e.id <> r.enrollment_id
  LEFT JOIN standing t ON t.enrollment_id = e.id AND t.since <= r.as_of AND t.until > r.as_of
  WHERE coalesce(t.status, e.status) IN ('enrolled', 'withdrawn', 'completed')
),
elsewhere AS (  -- the same student's other enrolments, as far as they were known on the day
  SELECT r.enrollment_id,
    count(*) FILTER (WHERE NOT e.has_left AND o.ends_on > r.as_of) AS concurrent,
    count(*) FILTER (WHERE o.starts_on = r.starts_on AND e.has_left) AS concurrent_withdrawn,
    count(*) FILTER (WHERE o.starts_on < r.starts_on) AS earlier,
    count(*) FILTER (WHERE o.starts_on < r.starts_on
      AND (e.has_left OR (e.outcome = 'fail' AND e.outcome_on <= r.as_of))) AS earlier_lost,
    count(*) FILTER (WHERE e.outcome IN ('pass', 'distinction') AND e.outcome_on <= r.as_of) AS earlier_passed,
    count(*) FILTER (WHERE e.outcome = 'distinction' AND e.outcome_on <= r.as_of) AS earlier_distinction,
    count(*) FILTER (WHERE o.unit_id = r.unit_id AND o.starts_on < r.starts_on) AS same_unit_before
  FROM roster r
  JOIN other e ON e.enrollment_id = r.enrollment_id
  JOIN offering o ON o.id = e.offering_id
  WHERE e.begun_on IS NULL AND o.starts_on <= r.as_of OR e.begun_on <= r.as_of
  GROUP BY r.enrollment_id
)
SELECT r.enrollment_id, r.student_id, r.offering_id, r.as_of,
  r.as_of_day::double precision / r.length_days AS course_elapsed, extract(month FROM r.starts_on)::integer AS start_month,
  r.previous_attempts, r.studied_credits, r.prior_education_level, r.registered_day,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(r.registered_day, 0)) AS registered_rank,
  coalesce(x.concurrent, 0) AS concurrent, coalesce(x.concurrent_withdrawn, 0) AS concurrent_withdrawn, coalesce(x.earlier, 0) AS earlier,
  coalesce(x.earlier_lost, 0) AS earlier_lost, coalesce(x.earlier_passed, 0) AS earlier_passed, coalesce(x.earlier_distinction, 0) AS earlier_distinction,
  coalesce(x.same_unit_before, 0) AS same_unit_before,
  -- presence
  coalesce(a.days_since_visit, r.as_of_day + 60) AS days_since_visit,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.days_since_visit, 999)) AS days_since_visit_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.days_since_first_visit, -1)) AS first_visit_rank,
  coalesce(a.active_days, 0) AS active_days, coalesce(a.active_days_3, 0) AS active_days_3,
  coalesce(a.active_days_7, 0) AS active_days_7, coalesce(a.active_days_14, 0) AS active_days_14, coalesce(a.active_days_28, 0) AS active_days_28,
  coalesce(a.active_days_14, 0) - coalesce(a.active_days_14_before, 0) AS active_days_change,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.active_days, 0)) AS active_days_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.active_days_7, 0)) AS active_days_7_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.active_days_14, 0)) AS active_days_14_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.active_days_28, 0)) AS active_days_28_rank,
  greatest(coalesce(a.longest_gap, 0), coalesce(a.days_since_visit, r.as_of_day)) AS longest_gap,
  g.weeks_absent, g.weeks_absent_6, coalesce(g.weeks_streak, 99) AS weeks_streak,
  coalesce(a.days_before, 0) AS days_before,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks_before, 0)) AS clicks_before_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.sites_before, 0)) AS sites_before_rank,
  -- volume
  coalesce(a.clicks, 0) AS clicks, coalesce(a.clicks_14, 0) AS clicks_14,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks, 0)) AS clicks_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks_7, 0)) AS clicks_7_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks_14, 0)) AS clicks_14_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks_28, 0)) AS clicks_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks_14, 0)) - percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks_14_before, 0)) AS clicks_14_change,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.effort, 0)) AS effort_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.effort_recent, 0)) AS effort_recent_rank,
  coalesce(a.clicks, 0)::double precision / greatest(a.active_days, 1) AS clicks_per_day,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.clicks, 0)::double precision / greatest(a.active_days, 1)) AS clicks_per_day_rank,
  a.effort_spread,
  -- breadth
  coalesce(a.sites, 0) AS sites,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.sites, 0)) AS sites_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.new_sites_7, 0)) AS new_sites_7_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.new_sites_14, 0)) AS new_sites_14_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.new_sites_28, 0)) AS new_sites_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.site_days, 0)) AS site_days_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.site_days_14, 0)) AS site_days_14_rank,
  coalesce(a.sites, 0)::double precision / greatest(a.site_days, 1) AS novelty,
  -- kinds
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.content, 0)) AS content_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.content_28, 0)) AS content_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.resource, 0)) AS resource_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.resource_28, 0)) AS resource_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.forum, 0)) AS forum_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.forum_28, 0)) AS forum_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.quiz, 0)) AS quiz_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.quiz_28, 0)) AS quiz_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.page, 0)) AS page_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.page_28, 0)) AS page_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.homepage, 0)) AS homepage_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.homepage_28, 0)) AS homepage_28_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.together, 0)) AS together_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.together_28, 0)) AS together_28_rank,
  coalesce(a.forum, 0)::double precision / greatest(a.clicks, 1) AS forum_part,
  coalesce(a.content, 0)::double precision / greatest(a.clicks, 1) AS content_part,
  coalesce(a.quiz, 0)::double precision / greatest(a.clicks, 1) AS quiz_part,
  coalesce(a.homepage, 0)::double precision / greatest(a.clicks, 1) AS homepage_part,
  coalesce(a.quiz_days, 0) AS quiz_days, coalesce(a.forum_days, 0) AS forum_days, coalesce(a.content_days, 0) AS content_days,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.quiz_days, 0)) AS quiz_days_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.forum_days, 0)) AS forum_days_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(a.content_days, 0)) AS content_days_rank,
  -- regularity
  g.week_rank, g.week_rank_3, g.week_rank_6, g.week_sites_rank, g.week_sites_rank_3, g.week_rank_worst_6, g.week_rank_slope, g.week_rank_spread,
  g.week_rank_0, g.week_rank_1, g.week_rank_2, g.week_rank_3ago,
  -- coursework
  d.due_count, d.due_weight / d.all_weight AS due_part, d.days_to_next, d.days_since_due,
  d.due_count - coalesce(h.submitted_due_count, 0) AS missing_count,
  (d.due_weight - coalesce(h.submitted_due_weight, 0)) / d.all_weight AS missing_part,
  coalesce(h.submitted_weight, 0) / d.all_weight AS submitted_part,
  coalesce(h.submitted_share_sum, 0) - p.pieces AS submitted_ahead,
  coalesce(h.submitted_weight, 0) / d.all_weight - p.weight / d.all_weight AS submitted_ahead_part,
  coalesce(h.submitted_count, 0) AS submitted_count,
  coalesce(h.carried_over_count, 0) AS carried_over_count,
  h.last_assignment_submitted, h.next_assignment_submitted,
  h.days_early, h.days_early_min, h.submitted_rank, h.submitted_rank_last, h.days_since_submission,
  coalesce(m.marked_count, 0) AS marked_count, m.score_mean, m.score_rank, m.score_rank_min, m.score_rank_max, m.score_min, m.score_last, m.score_rank_last,
  m.score_rank_change, m.assignment_rank, m.quiz_score_rank,
  percent_rank() OVER (PARTITION BY r.offering_id ORDER BY coalesce(m.marked_points, 0)) AS points_rank,
  coalesce(m.marked_points, 0) / d.all_weight AS points,
  coalesce(m.marked_points, 0) / greatest(coalesce(m.marked_weight, 0) + d.due_weight - coalesce(h.submitted_due_weight, 0), 1.0) AS score_with_missing
FROM roster r
LEFT JOIN activity a ON a.enrollment_id = r.enrollment_id
LEFT JOIN regularity g ON g.enrollment_id = r.enrollment_id
LEFT JOIN handed_in h ON h.enrollment_id = r.enrollment_id
LEFT JOIN marks m ON m.enrollment_id = r.enrollment_id
LEFT JOIN due d ON d.offering_id = r.offering_id
LEFT JOIN expected p ON p.offering_id = r.offering_id
LEFT JOIN elsewhere x ON x.enrollment_id = r.enrollment_id
