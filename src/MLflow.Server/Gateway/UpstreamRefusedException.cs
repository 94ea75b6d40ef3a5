namespace MLflow.Server.Gateway;

/// <summary>A host is at addresses only to which the gateway does not connect.</summary>
internal sealed class UpstreamRefusedException : IOException
{
    public UpstreamRefusedException(string message)
        : base(message)
    {
    }
}
