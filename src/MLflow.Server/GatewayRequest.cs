namespace MLflow.Server;

/// <summary>A call that a client makes of the gateway.</summary>
public sealed class GatewayRequest
{
    internal GatewayRequest(string endpoint, string operation, string? user, string? contentType, ReadOnlyMemory<byte> body)
    {
        Endpoint = endpoint;
        Operation = operation;
        User = user;
        ContentType = contentType;
        Body = body;
    }

    /// <summary>Name of the endpoint.</summary>
    public string Endpoint { get; }

    /// <summary>What is asked for, as OpenAI's paths have it: <c>chat/completions</c>.</summary>
    public string Operation { get; }

    /// <summary>Who has signed in; null where nobody has to.</summary>
    public string? User { get; }

    /// <summary>Type of the body: JSON but for files.</summary>
    public string? ContentType { get; }

    /// <summary>The body as it came.</summary>
    public ReadOnlyMemory<byte> Body { get; }
}
