"""S3, DynamoDB and SQS. Sole importer of ``boto3``."""
