-- The operator, with the identity that apps may know already.
INSERT INTO users (uuid, account_id, username, nickname, display_name, created_on, is_active, is_administrator)
SELECT
    COALESCE(
        (SELECT value FROM facts WHERE name = 'operator_uuid'),
        '{' || substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-4' || substr(hex, 14, 3) || '-a' || substr(hex, 18, 3)
        || '-' || substr(hex, 21) || '}'
    ),
    COALESCE((SELECT value FROM facts WHERE name = 'operator_account_id'), lower(hex(randomblob(12)))),
    'operator', 'operator', 'Operator', strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'), 1, 1
FROM (SELECT lower(hex(randomblob(16))) AS hex);
