namespace MLflow.Tests.Privacy;

/// <summary>
/// Made-up secrets of each kind. Each is a text as it is found in the wild, with the part of it that must not be seen anywhere. They are put together here so that
/// no scanner of repositories takes them for real ones.
/// </summary>
internal static class LeakCorpus
{
    private const string Letters = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0fG";
    private const string Hex = "0123456789abcdef0123456789abcdef";

    public static IReadOnlyList<(string Kind, string Text, string Secret)> All { get; } =
    [
        Of("OpenAI key", "{0}", "sk-" + Letters + Letters[..16]),
        Of("OpenAI project key", "my key is {0}, keep it", "sk-proj-" + Letters + "_" + Letters + "-" + Letters),
        Of("Anthropic key", "{0}", "sk-ant-api03-" + Letters + Letters),
        Of("bearer token", "Authorization: Bearer {0}", "abc123def456ghi789"),
        Of("bearer token alone", "sent with bearer {0}.", "V2hhdCBpcyB0aGlz.c2VjcmV0MTIz"),
        Of("basic credentials", "Authorization: Basic {0}", "dXNlcjpwYXNzd29yZDEyMw=="),
        Of("api-key header", "api-key: {0}", Hex),
        Of("Azure key of 84 characters", "{0}", (Letters + Letters)[..52] + "JQQJ99" + "BKACYeBjFXJ3w3AAABACOG" + "aB3d"),
        Of("Azure key in its context", "AZURE_OPENAI_API_KEY={0}", Letters + Letters + "aB3dE5gH7jK9mN1pQ2sT"),
        Of("x-api-key in JSON", "{{\"x-api-key\": \"{0}\"}}", Letters),
        Of("x-api-key in JSON in JSON", "{{\"headers\": \"{{\\\"x-api-key\\\": \\\"{0}\\\"}}\"}}", Letters),
        Of("JWT", "{0}", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"),
        Of("SQL connection string", "Server=db;Database=app;User Id=sa;Password={0};Encrypt=true", "correct horse,battery"),
        Of("PostgreSQL connection string", "Host=db;Username=app;Password={0}", "s3cr3t!pass"),
        Of("storage connection string", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={0};EndpointSuffix=core.windows.net", Letters + Letters + "+/" + Letters[..18] + "=="),
        Of("service bus connection string", "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={0}", Letters + "abcdefghij="),
        Of("URL user and password", "postgres://app:{0}@db.example.com:5432/app", "pa55word"),
        Of("URL api_key", "https://api.example.com/v1?q=1&api_key={0}", "k3yk3yk3yk3yk3y"),
        Of("URL sig", "https://x.blob.core.windows.net/c/b?sv=2024-01-01&sig={0}&se=2030", "aB3dE5gH7jK9mN1p%2Bq%3D"),
        Of("URL code", "https://f.azurewebsites.net/api/f?code={0}", Letters),
        Of("URL token", "https://example.com/hook#access_token={0}&state=1", "tok3ntok3ntok3n"),
        Of("AWS access key id", "{0}", "AKIA" + "IOSFODNN7EXAMPL3"),
        Of("AWS secret key", "aws_secret_access_key = {0}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        Of("Google key", "{0}", "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"),
        Of("Google token", "{0}", "ya29." + "a0AfH6SMBx1y2z3A4B5C6D7E8F"),
        Of("GitHub token", "{0}", "ghp_" + Letters + "aB3d"),
        Of("GitHub fine-grained token", "{0}", "github_pat_" + "11ABCDEFG0" + Letters + "_" + Letters),
        Of("Slack token", "{0}", "xoxb-" + "123456789012-1234567890123-" + "aB3dE5gH7jK9mN1pQ2sT4vW6"),
        Of("Slack hook", "https://hooks.slack.com/services/{0}", "T00000000/B00000000/" + "aB3dE5gH7jK9mN1pQ2sT4vW6"),
        Of("Databricks token", "{0}", "dapi" + Hex),
        Of("Hugging Face token", "{0}", "hf_" + Letters + "aB"),
        Of("cookie", "Cookie: session={0}; theme=dark", "aB3dE5gH7jK9mN1pQ2sT"),
        Of("OAuth access token in JSON", "{{\"access_token\":\"{0}\",\"expires_in\":3600}}", Letters),
        Of("client secret", "client_secret={0}", Letters),
        Of("password in JSON", "{{\"user\":\"bob\",\"password\":\"{0}\"}}", "hunter2hunter2"),
        Of("private key", "-----BEGIN RSA PRIVATE KEY-----\n{0}\n-----END RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA1b2C3d4E5f6G7h8I9j0K\nl2M3n4O5p6Q7r8S9t0"),
    ];

    private static (string, string, string) Of(string kind, string format, string secret) =>
        (kind, string.Format(System.Globalization.CultureInfo.InvariantCulture, format, secret), secret);
}
