using System.ClientModel.Primitives;

namespace MLflow;

/// <summary>Tracing for the clients that are made with certain options.</summary>
public static class ClientPipelineOptionsExtensions
{
    /// <summary>
    /// Traces the model calls of clients that are made with these options, also where <c>Mlflow.OpenAI.Autolog()</c> cannot see them: where HttpClient's
    /// diagnostics are switched off, and over message handlers and transports of your own. It needs no Autolog, and a call that both see is one span.
    /// <c>Mlflow.OpenAI.Autolog(disable: true)</c> turns it off, until tracing is turned on again.
    /// </summary>
    /// <param name="options">Options of a client that has not been made yet, such as <c>OpenAIClientOptions</c>.</param>
    /// <returns>The same options.</returns>
    public static T AddMlflowTracing<T>(this T options)
        where T : ClientPipelineOptions => AddMlflowTracing(options, OpenAIAutolog.CaptureForPolicies);

    internal static T AddMlflowTracing<T>(this T options, Func<HttpCapture?> capture)
        where T : ClientPipelineOptions
    {
        ArgumentNullException.ThrowIfNull(options);
        options.AddPolicy(new CallPolicy(capture), PipelinePosition.PerCall);
        options.AddPolicy(new TryPolicy(capture), PipelinePosition.PerTry);
        return options;
    }
}
