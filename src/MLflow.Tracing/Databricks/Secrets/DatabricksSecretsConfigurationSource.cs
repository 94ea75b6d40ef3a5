using Microsoft.Extensions.Configuration;

namespace MLflow;

/// <summary>Secrets of one scope as settings.</summary>
internal sealed class DatabricksSecretsConfigurationSource(string scope, DatabricksSecretsConfigurationOptions options) : IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new DatabricksSecretsConfigurationProvider(scope, options);
}
