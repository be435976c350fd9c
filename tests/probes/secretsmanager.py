"""Secrets Manager: rotation and deletion."""

from tests.probes.aws_setup import AwsSetup
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("Secrets Manager")

API = "secretsmanager/latest/apireference/"


def secret(aws: AwsSetup, *values: str) -> str:
    """Create a secret and put the values in order; the last one is current."""
    name = aws.name()
    aws.secretsmanager.create_secret(Name=name, SecretString=values[0])
    for value in values[1:]:
        aws.secretsmanager.put_secret_value(SecretId=name, SecretString=value)
    return name


@probe("GetSecretValue after PutSecretValue")
@documented("the new value, and the old one as AWSPREVIOUS", API + "API_PutSecretValue.html")
def rotation(aws: AwsSetup) -> str:
    name, read = secret(aws, "old", "new"), aws.secretsmanager.get_secret_value
    now = read(SecretId=name)["SecretString"]
    before = read(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"]
    return f"the {now} value, and the {before} one as AWSPREVIOUS"


@probe("GetSecretValue of a name without a secret")
@documented("ResourceNotFoundException", API + "API_GetSecretValue.html")
def missing_secret(aws: AwsSetup) -> str:
    return answer(lambda: aws.secretsmanager.get_secret_value(SecretId=aws.name()))


@probe("PutSecretValue with the token of another value")
@documented("ResourceExistsException", API + "API_PutSecretValue.html")
@differs("accepted", covered="boto3 creates the tokens: none is used for two values")
def reused_token(aws: AwsSetup) -> str:
    name, token = secret(aws, "one"), "0123456789abcdef" * 2
    write = aws.secretsmanager.put_secret_value
    write(SecretId=name, SecretString="two", ClientRequestToken=token)
    return answer(lambda: write(SecretId=name, SecretString="three", ClientRequestToken=token))


@probe("GetSecretValue of a deleted secret, and after RestoreSecret")
@documented("InvalidRequestException, then its value", API + "API_DeleteSecret.html")
def deleted_secret(aws: AwsSetup) -> str:
    name, read = secret(aws, "one"), aws.secretsmanager.get_secret_value
    aws.secretsmanager.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    refused = answer(lambda: read(SecretId=name))
    aws.secretsmanager.restore_secret(SecretId=name)
    back = "its value" if read(SecretId=name)["SecretString"] == "one" else "another value"
    return f"{refused}, then {back}"
