"""Options of the template: each is off by default, and works with its parameters."""

import json
import re
from typing import Any

import pytest

from tests.template.deployed import LOCAL, deployed, properties, types
from tests.template.test_template import FUNCTIONS, logical_id, source

KEY = "arn:aws:kms:eu-central-1:111122223333:key/0123abcd-0000-1111-2222-0123456789ab"
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
ACL = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/front/0123abcd"
DOMAIN = {
    "DomainName": "video.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/0123",
}
VPC = {"SubnetIds": "subnet-0a,subnet-0b", "SecurityGroupIds": "sg-0c"}
API_URL = {"Fn::Sub": "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}


def functions(**parameters: str) -> list[dict[str, Any]]:
    return [properties(logical_id(name), **parameters) for name in FUNCTIONS]


def accepts(parameter: str, value: str) -> bool:
    pattern = source()["Parameters"][parameter]["AllowedPattern"]
    return re.fullmatch(pattern, value) is not None


def public_url(**parameters: str) -> Any:
    return properties("ApiFunction", **parameters)["Environment"]["Variables"]["PUBLIC_URL"]


def test_defaults_have_no_optional_resource():
    assert not types() & {
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::Route53::RecordSet",
        "AWS::CloudFront::Distribution",
        "AWS::Events::EventBusPolicy",
        "AWS::Events::Archive",
        "AWS::CodeDeploy::Application",
    }


def test_parameters_have_a_label_a_group_and_a_description():
    interface = source()["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(source()["Parameters"])
    assert set(interface["ParameterLabels"]) == set(source()["Parameters"])
    assert all(parameter.get("Description") for parameter in source()["Parameters"].values())


def test_no_parameter_asks_for_a_value():
    assert all("Default" in parameter for parameter in source()["Parameters"].values())


# --- local mode and the first deployment ------------------------------------------------------


def test_address_guard_is_off_in_the_account_of_the_local_engine_only():
    assert "LocalMode" not in source()["Parameters"]
    for account, mode in ((LOCAL, "true"), ("111122223333", "false"), ("000000000001", "false")):
        function = deployed(account)["SubmitFunction"]["Properties"]
        assert function["Environment"]["Variables"]["LOCAL_MODE"] == mode


def test_failed_first_deployment_can_delete_what_it_created():
    assert properties("Table")["DeletionProtectionEnabled"] == "false"
    assert properties("Table", DeletionProtection="true")["DeletionProtectionEnabled"] == "true"
    for name, resource in deployed().items():
        assert resource.get("DeletionPolicy") in (None, "Delete", "RetainExceptOnCreate") or (
            resource["Type"] == "AWS::Lambda::LayerVersion"  # has a name of its own each time
        ), name


# --- network ----------------------------------------------------------------------------------


def test_functions_are_in_no_vpc_by_default():
    assert all("VpcConfig" not in function for function in functions())


def test_subnets_are_those_of_all_functions():
    for function in functions(**VPC):
        assert function["VpcConfig"] == {
            "SubnetIds": {"Fn::Split": [",", VPC["SubnetIds"]]},
            "SecurityGroupIds": {"Fn::Split": [",", VPC["SecurityGroupIds"]]},
        }


@pytest.mark.parametrize(
    ("parameter", "value", "is_valid"),
    [
        ("SubnetIds", "subnet-0a1b", True),
        ("SubnetIds", "subnet-0a, subnet-0b", False),
        ("SubnetIds", "vpc-0a", False),
        ("SecurityGroupIds", "sg-0a,sg-0b", True),
        ("SecurityGroupIds", "sg_0a", False),
        ("DomainName", "video.example.com", True),
        ("DomainName", "https://video.example.com", False),
        ("DomainName", "video.example.com/media", False),
        ("BasePath", "media", True),
        ("BasePath", "media/v1", True),
        ("BasePath", "/media", False),
        ("BasePath", "media/", False),
        ("WebAclArn", ACL, True),
        ("WebAclArn", ACL.replace("global", "regional"), False),
        ("WebAclArn", ACL.replace("us-east-1", "eu-central-1"), False),
        ("KmsKeyArn", KEY, True),
        ("KmsKeyArn", "alias/rushes", False),
        ("PermissionsBoundaryArn", BOUNDARY, True),
        ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/PowerUserAccess", True),
        ("PermissionsBoundaryArn", "boundary", False),
        ("EventReaders", "111122223333,444455556666", True),
        ("EventReaders", "*", False),
        ("OutputReaders", "111122223333", True),
        ("OutputReaders", "arn:aws:iam::111122223333:root", False),
        ("ExistingTableName", "rushes-Table-ABC", True),
        ("ExistingTableName", "arn:aws:dynamodb:eu-central-1:111122223333:table/x", False),
        ("ExistingBucketName", "rushes-bucket-abc", True),
        ("ExistingBucketName", "s3://rushes-bucket", False),
        ("ExistingSecretsPrefix", "rushes/providers", True),
        ("ExistingSecretsPrefix", "rushes/providers/", False),
    ],
)
def test_parameter_accepts_its_form_only(parameter: str, value: str, is_valid: bool):  # noqa: FBT001 - a test case
    assert accepts(parameter, "")
    assert accepts(parameter, value) == is_valid


# --- addresses --------------------------------------------------------------------------------


def test_public_url_is_by_default_that_of_the_api():
    assert public_url() == API_URL
    assert public_url(PublicUrl="https://front.example/x") == "https://front.example/x"


def test_custom_domain_without_base_path():
    mapping = properties("ApiDomainMapping", **DOMAIN)
    assert "ApiMappingKey" not in mapping
    assert mapping["DomainName"] == {"Ref": "ApiDomain"}
    (configuration,) = properties("ApiDomain", **DOMAIN)["DomainNameConfigurations"]
    assert configuration["CertificateArn"] == DOMAIN["CertificateArn"]
    assert "ApiDomainRecord" not in deployed(**DOMAIN)
    assert public_url(**DOMAIN) == "https://video.example.com/"


def test_custom_domain_with_base_path_and_record():
    options = {**DOMAIN, "BasePath": "media", "HostedZoneId": "Z123"}
    assert properties("ApiDomainMapping", **options)["ApiMappingKey"] == "media"
    assert public_url(**options) == "https://video.example.com/media"
    record = properties("ApiDomainRecord", **options)
    assert (record["Name"], record["HostedZoneId"]) == (DOMAIN["DomainName"], "Z123")


def test_cloudfront_forwards_every_request_uncached():
    distribution = properties("ApiFront", CloudFrontApi="true")["DistributionConfig"]
    assert "WebACLId" not in distribution
    behavior = distribution["DefaultCacheBehavior"]
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert set(behavior["AllowedMethods"]) == methods
    assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert public_url(CloudFrontApi="true") == {"Fn::Sub": "https://${ApiFront.DomainName}"}


def test_web_acl_is_that_of_the_distribution():
    front = properties("ApiFront", CloudFrontApi="true", WebAclArn=ACL)
    assert front["DistributionConfig"]["WebACLId"] == ACL


def test_stage_has_a_throttle_above_300_jobs_a_second():
    settings = properties("HttpStage")["DefaultRouteSettings"]
    assert settings == {"ThrottlingRateLimit": 5000, "ThrottlingBurstLimit": 2500}
    changed = properties("HttpStage", RequestsPerSecond="10", RequestBurst="20")
    assert changed["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": 10,
        "ThrottlingBurstLimit": 20,
    }


# --- keys and roles ---------------------------------------------------------------------------


def test_keys_are_by_default_those_of_aws():
    assert "KMSMasterKeyId" not in properties("Table")["SSESpecification"]
    assert properties("Table")["SSESpecification"] == {"SSEEnabled": True}
    assert "UseKmsKey" not in deployed()
    assert KEY not in json.dumps(deployed())


def test_one_key_encrypts_table_bucket_queues_secret_and_logs():
    resources = deployed(KmsKeyArn=KEY)
    assert properties("Table", KmsKeyArn=KEY)["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": KEY,
    }
    (rule,) = properties("Bucket", KmsKeyArn=KEY)["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": KEY,
    }
    names = {
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::SecretsManager::Secret": "KmsKeyId",
    }
    for resource in resources.values():
        if resource["Type"] in names:
            assert resource["Properties"][names[resource["Type"]]] == KEY
            assert "SqsManagedSseEnabled" not in resource["Properties"]
    users = {role["Ref"] for role in resources["UseKmsKey"]["Properties"]["Roles"]}
    assert users == {f"{logical_id(name)}Role" for name in FUNCTIONS}


@pytest.mark.parametrize("gradual", ["false", "true"])
def test_permissions_boundary_is_that_of_every_role(gradual: str):
    def boundaries(**parameters: str) -> set[str | None]:
        return {
            resource["Properties"].get("PermissionsBoundary")
            for resource in deployed(GradualDeployment=gradual, **parameters).values()
            if resource["Type"] == "AWS::IAM::Role"
        }

    assert boundaries() == {None}
    assert boundaries(PermissionsBoundaryArn=BOUNDARY) == {BOUNDARY}


# --- logs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["INFO", "DEBUG", "WARN", "ERROR"])
def test_log_level_is_that_of_lambda_and_of_powertools(level: str):
    parameters = {} if level == "INFO" else {"LogLevel": level}
    for function in functions(**parameters):
        assert function["LoggingConfig"]["ApplicationLogLevel"] == level
        assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == level


# --- other accounts ---------------------------------------------------------------------------


def test_other_accounts_have_no_access_by_default():
    assert "EventBusPolicy" not in deployed()
    (statement,) = properties("BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"


def test_event_readers_manage_their_own_rules():
    statement = properties("EventBusPolicy", EventReaders="444455556666")["Statement"]
    assert statement["Principal"] == {"AWS": {"Fn::Split": [",", "444455556666"]}}
    assert not any("PutEvents" in action for action in statement["Action"])
    assert statement["Condition"] == {
        "StringEqualsIfExists": {"events:creatorAccount": "${aws:PrincipalAccount}"}
    }


def test_output_readers_read_outputs_only():
    policy = properties("BucketPolicy", OutputReaders="444455556666")["PolicyDocument"]
    _, statement = policy["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "s3:GetObject")
    assert statement["Resource"] == {"Fn::Sub": "${BucketArn.Value}/outputs/*"}


# --- concurrency ------------------------------------------------------------------------------


def test_no_concurrency_is_reserved_by_default():
    for function in functions():
        assert not {"ReservedConcurrentExecutions", "SnapStart"} & function.keys()
    assert "ProvisionedConcurrencyConfig" not in properties("ApiFunctionAliaslive")


@pytest.mark.parametrize("name", ["api", "submit", "poll", "collect"])
def test_concurrency_of_a_function_is_reserved_by_its_parameter(name: str):
    parameter = {f"{name.capitalize()}Concurrency": "20"}
    for function in FUNCTIONS:
        reserved = properties(logical_id(function), **parameter).get("ReservedConcurrentExecutions")
        assert reserved == (20 if function == name else None)


@pytest.mark.parametrize(("queue", "name"), [("Event", "Notify"), ("Delivery", "Deliver")])
def test_functions_of_queues_leave_concurrency_to_the_api(queue: str, name: str):
    mapping = f"{queue}QueueMapping"
    assert properties(mapping)["ScalingConfig"] == {"MaximumConcurrency": 50}
    changed = properties(mapping, **{f"{name}Concurrency": "5"})
    assert changed["ScalingConfig"] == {"MaximumConcurrency": 5}


def test_snapstart_is_for_the_api_function():
    found = {name: properties(logical_id(name), SnapStart="true") for name in FUNCTIONS}
    assert {name for name, function in found.items() if "SnapStart" in function} == {"api"}
    assert found["api"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_provisioned_concurrency_is_that_of_the_alias_of_the_api():
    alias = properties("ApiFunctionAliaslive", ProvisionedConcurrency="3")
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 3}


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_architecture_is_that_of_every_function(architecture: str):
    for function in functions(Architecture=architecture):
        assert function["Architectures"] == [architecture]
