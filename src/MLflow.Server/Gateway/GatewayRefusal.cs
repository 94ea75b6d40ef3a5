namespace MLflow.Server.Gateway;

/// <summary>A call that the gateway answers itself, in OpenAI's terms.</summary>
internal sealed class GatewayRefusal : Exception
{
    public GatewayRefusal(int status, string type, string? code, string message, TimeSpan? retryAfter = null)
        : base(message) => (Status, Type, Code, RetryAfter) = (status, type, code, retryAfter);

    public int Status { get; }

    public string Type { get; }

    public string? Code { get; }

    public TimeSpan? RetryAfter { get; }

    public static GatewayRefusal Invalid(string message, string? code = null) => new(StatusCodes.Status400BadRequest, "invalid_request_error", code, message);
}
