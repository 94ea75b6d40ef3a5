namespace MLflow;

/// <summary>Which secrets of a scope become settings, and under which names.</summary>
public sealed class DatabricksSecretsConfigurationOptions
{
    /// <summary>Address and credentials of the workspace. What is null comes from the environment and <c>~/.databrickscfg</c>, as for tracking.</summary>
    public DatabricksOptions Databricks { get; } = new();

    /// <summary>
    /// The secrets that are read, each with the name of its setting: <c>Keys["api-key"] = "OpenAI:ApiKey"</c>. Empty: all of the scope, under their own names, in which <c>--</c>
    /// stands for <c>:</c> (<c>OpenAI--ApiKey</c> is the setting <c>OpenAI:ApiKey</c>). One that is no UTF-8 text is left out with a warning; named here, it is an error, as what is
    /// missing is.
    /// </summary>
    public IDictionary<string, string> Keys { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A section that all of them are put into. Null: none.</summary>
    public string? Section { get; set; }

    /// <summary>Whether a workspace, scope or secret that is missing, refuses or cannot be reached leaves its settings out instead of failing. Default: false.</summary>
    public bool Optional { get; set; }

    /// <summary>How long the first load, and each reload, may take. Default: 30 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);
}
