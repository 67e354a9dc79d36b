-- What a consumer says of itself to users who are asked to consent.
ALTER TABLE consumers ADD COLUMN description TEXT NOT NULL DEFAULT '';

ALTER TABLE consumers ADD COLUMN url TEXT NOT NULL DEFAULT '';
