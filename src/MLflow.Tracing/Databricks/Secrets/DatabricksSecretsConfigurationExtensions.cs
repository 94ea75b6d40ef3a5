using Microsoft.Extensions.Configuration;

namespace MLflow;

/// <summary>Adds secrets of a Databricks workspace to a configuration.</summary>
public static class DatabricksSecretsConfigurationExtensions
{
    /// <summary>
    /// Adds the secrets of a scope as settings: <c>builder.Configuration.AddDatabricksSecrets("openai-secrets")</c>. They are fetched when the configuration is built or reloaded, and
    /// are taken out of traces, as all that <see cref="DatabricksSecrets"/> fetches.
    /// </summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="scope">The scope. Needs permission to read it.</param>
    /// <param name="configure">Says which secrets, under which names, and the workspace where it is not the environment's.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The scope cannot be one; at the build, that there are no credentials.</exception>
    /// <exception cref="MlflowException">At the build: the workspace refused or could not be reached, unless <see cref="DatabricksSecretsConfigurationOptions.Optional"/> is set.</exception>
    public static IConfigurationBuilder AddDatabricksSecrets(this IConfigurationBuilder builder, string scope, Action<DatabricksSecretsConfigurationOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        SecretNameRule.Check(scope, "scope", nameof(scope));
        var options = new DatabricksSecretsConfigurationOptions();
        configure?.Invoke(options);
        foreach (var key in options.Keys.Keys)
        {
            SecretNameRule.Check(key, "key", nameof(configure));
        }

        return builder.Add(new DatabricksSecretsConfigurationSource(scope, options));
    }
}
