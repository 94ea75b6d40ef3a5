using OpenAI.Chat;

namespace MLflow.Cli.Demo;

/// <summary>One example and what must be stored of it.</summary>
/// <param name="Name">As the documentation calls it.</param>
/// <param name="RunAsync">The example.</param>
/// <param name="State">State that its trace must have.</param>
/// <param name="MinSpans">Spans that its trace must have at least.</param>
internal sealed record DemoExample(string Name, Func<ChatClient, CancellationToken, Task> RunAsync, string State = "OK", int MinSpans = 1);
