using System.ClientModel;
using MLflow.Cli.Commands;
using MLflow.Cli.Demo.Scripted;
using OpenAI;

namespace MLflow.Cli.Demo;

/// <summary>Where the examples send their calls: OpenAI when there is a key, else the scripted endpoint of this process.</summary>
internal sealed class ModelEndpoint : IAsyncDisposable
{
    private const string KeyVariable = "OPENAI_API_KEY";
    private const string AddressVariable = "OPENAI_BASE_URL";

    private static readonly Uri OpenAIAddress = new("https://api.openai.com/v1");

    private readonly ScriptedOpenAI? _scripted;
    private readonly string _apiKey;

    private ModelEndpoint(Uri address, string apiKey, ScriptedOpenAI? scripted)
    {
        Address = address;
        _apiKey = apiKey;
        _scripted = scripted;
    }

    public Uri Address { get; }

    public bool IsScripted => _scripted is not null;

    /// <summary>What the screen calls it. Never contains the key.</summary>
    public string Description => IsScripted
        ? $"the bundled scripted endpoint at {Address} (its answers are written in advance; set {KeyVariable} to ask OpenAI)"
        : $"{Address} with the key in {KeyVariable}";

    /// <summary>The key, for a client. It is never shown.</summary>
    public ApiKeyCredential Credential => new(_apiKey);

    public OpenAIClientOptions ClientOptions => new() { Endpoint = Address };

    public static async Task<ModelEndpoint> OpenAsync(CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(KeyVariable) is { } key && !string.IsNullOrWhiteSpace(key))
        {
            return new ModelEndpoint(ReadAddress(), key.Trim(), scripted: null);
        }

        var scripted = await ScriptedOpenAI.StartAsync(cancellationToken: cancellationToken);
        return new ModelEndpoint(scripted.Endpoint, ScriptedOpenAI.ApiKey, scripted);
    }

    public ValueTask DisposeAsync() => _scripted?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>The sentence for a call that was not answered as an example expects it.</summary>
    public CommandException Explain(ClientResultException exception) => new(
        exception.Status switch
        {
            401 or 403 => $"{Address} refused the key in {KeyVariable} ({exception.Status}): check the key, or unset {KeyVariable} to use the scripted endpoint.",
            404 => $"{Address} does not know the model or the path (404): check {AddressVariable}.",
            429 => $"{Address} answered 429, too many requests or no quota left: try again later, or unset {KeyVariable} to use the scripted endpoint.",
            _ => $"{Address} answered {exception.Status}: try again later, or unset {KeyVariable} to use the scripted endpoint.",
        },
        exception);

    /// <summary>The sentence for an endpoint that could not be reached.</summary>
    public CommandException ExplainUnreachable(Exception exception) =>
        new($"{Address} cannot be reached: check the network and {AddressVariable}, or unset {KeyVariable} to use the scripted endpoint.", exception);

    private static Uri ReadAddress()
    {
        var text = Environment.GetEnvironmentVariable(AddressVariable);
        if (string.IsNullOrWhiteSpace(text))
        {
            return OpenAIAddress;
        }

        // The value itself stays off the screen where it is no address: it might be a key in the wrong variable.
        return Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.UserInfo.Length == 0
            ? address
            : throw new CommandException($"{AddressVariable} is not an http:// or https:// address without a user name: set it to one like {OpenAIAddress}, or unset it.");
    }
}
