using MLflow.Server.Ui.Copying;

namespace MLflow.Server.Ui.Endpoints;

/// <summary>The lines that call an endpoint.</summary>
internal static class CallLines
{
    private const string TokenVariable = "MLFLOW_TRACKING_TOKEN";

    /// <param name="address">The server's own address, with a slash at its end.</param>
    /// <param name="endpoint">The name.</param>
    /// <param name="isOpen">Whether nobody has to sign in.</param>
    public static string CSharp(string address, string endpoint, bool isOpen) =>
        $"var client = new ChatClient({CodeText.Literal(endpoint)}, new ApiKeyCredential({(isOpen ? "\"none\"" : $"Environment.GetEnvironmentVariable(\"{TokenVariable}\")!")}),\n    new OpenAIClientOptions {{ Endpoint = new Uri({CodeText.Literal(address + "gateway/openai/v1")}) }});";

    /// <inheritdoc cref="CSharp"/>
    public static string Curl(string address, string endpoint, bool isOpen) =>
        $"curl {address}gateway/openai/v1/chat/completions \\\n{(isOpen ? "" : $"  -H \"Authorization: Bearer ${TokenVariable}\" \\\n")}  -H 'Content-Type: application/json' \\\n  -d '{{\"model\": \"{endpoint}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'";
}
