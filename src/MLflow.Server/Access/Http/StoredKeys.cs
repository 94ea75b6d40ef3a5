using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Http;

/// <summary>The keys of cookies and forms, in the database: they outlive a restart, and all servers of one database have the same.</summary>
internal sealed class StoredKeys : IXmlRepository
{
    private readonly IAccessStore _store;

    public StoredKeys(IAccessStore store) => _store = store;

    public IReadOnlyCollection<XElement> GetAllElements() => [.. _store.ListKeys().Select(XElement.Parse)];

    // Its callers are synchronous, and seldom: a key is made every 90 days.
    public void StoreElement(XElement element, string friendlyName) =>
        _store.AddKeyAsync(friendlyName, element.ToString(SaveOptions.DisableFormatting), CancellationToken.None).GetAwaiter().GetResult();
}
