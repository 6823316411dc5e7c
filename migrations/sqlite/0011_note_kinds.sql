-- What a note reports; `other` for the notes of earlier releases.
ALTER TABLE job_notes ADD COLUMN kind TEXT NOT NULL DEFAULT 'other';
