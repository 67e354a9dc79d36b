-- The descriptor URL of the app: of this machine a call may go there alone, also when the installation is gone.
ALTER TABLE lifecycle_calls ADD COLUMN descriptor_url TEXT;
