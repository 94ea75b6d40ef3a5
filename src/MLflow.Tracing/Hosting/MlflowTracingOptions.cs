namespace MLflow;

/// <summary>Settings of a host's tracing. What is null comes from the environment.</summary>
public sealed class MlflowTracingOptions : MlflowClientOptions
{
    /// <summary>
    /// Whether automatic tracing of OpenAI calls is turned on when the host starts, unless the program has turned it on or off before. It is a switch of the process:
    /// it stays on when the host stops. Default: true.
    /// </summary>
    public bool Autolog { get; set; } = true;

    /// <summary>What automatic tracing of OpenAI calls records, where this host turns it on. Null: the defaults.</summary>
    public Action<OpenAIAutologOptions>? ConfigureOpenAI { get; set; }

    /// <summary>What could not be read from the configuration: told with what is wrong otherwise.</summary>
    internal List<string> Unreadable { get; } = [];

    /// <summary>Keys of the section that mean nothing.</summary>
    internal List<string> Unknown { get; } = [];
}
