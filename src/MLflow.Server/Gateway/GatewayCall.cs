namespace MLflow.Server.Gateway;

/// <summary>A call on its way to a model.</summary>
internal sealed class GatewayCall
{
    public required GatewayEndpoint Endpoint { get; init; }

    /// <summary>In the order in which they are asked.</summary>
    public required IReadOnlyList<UpstreamTarget> Targets { get; init; }

    public required HttpContext Context { get; init; }

    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Of a form, where its model stands; null for JSON.</summary>
    public Range? ModelInForm { get; init; }

    /// <summary>The name by which the client called the endpoint.</summary>
    public required string AskedFor { get; init; }

    /// <summary>Whether the body names a model; on routes that name the endpoint it need not.</summary>
    public bool BodyHasModel { get; init; } = true;

    /// <summary>The recording; null where there is none.</summary>
    public LlmCall? Recorded { get; set; }

    /// <summary>The request's body for a model: as it came, but for the model's name where that is another.</summary>
    public ReadOnlyMemory<byte> BodyFor(UpstreamTarget target) =>
        !target.NamesModel || (BodyHasModel && target.Model == AskedFor) ? Body
        : ModelInForm is { } range ? ModelField.ReplaceInForm(Body.Span, range, target.Model)
        : BodyHasModel ? ModelField.Replace(Body.Span, target.Model)
        : ModelField.Add(Body.Span, target.Model);
}
