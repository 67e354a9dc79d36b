-- The operator, with the identity that apps may know already.
INSERT INTO users (uuid, account_id, username, nickname, display_name, created_on, is_active, is_administrator)
SELECT
    COALESCE((SELECT value FROM facts WHERE name = 'operator_uuid'), '{' || gen_random_uuid() || '}'),
    COALESCE(
        (SELECT value FROM facts WHERE name = 'operator_account_id'),
        substr(replace(CAST(gen_random_uuid() AS VARCHAR), '-', ''), 1, 24)
    ),
    'operator', 'operator', 'Operator',
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), 1, 1;
