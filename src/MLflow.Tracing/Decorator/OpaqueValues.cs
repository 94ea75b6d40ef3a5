using System.Collections;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// Tells data from what methods are handed beside them. To look into such a thing would wait for it, use it up, run the program's code, or read the
/// credentials that it was set up with: a serialiser asks a <see cref="Task{T}"/> for its result and an <see cref="HttpClient"/> for its headers.
/// </summary>
internal static class OpaqueValues
{
    // An entry lives as long as its type.
    private static readonly ConditionalWeakTable<Type, StrongBox<bool>> Collections = [];

    /// <summary>True when a value is named by its type alone.</summary>
    public static bool IsOpaque(object value) => value switch
    {
        string => false,
        Task or Delegate or Stream or IServiceProvider => true,
        HttpMessageInvoker or HttpMessageHandler or HttpRequestMessage or HttpResponseMessage or HttpContent or ICredentials or DbConnection => true,

        // What yield and LINQ make is its own enumerator, and a query asks its database.
        IEnumerator or IQueryable => true,
        ICollection or IReadOnlyCollection<object> => false,
        IEnumerable => !Collections.GetValue(value.GetType(), static type => new StrongBox<bool>(IsCollection(type))).Value,
        _ => IsOpaque(value.GetType()),
    };

    /// <summary>True when the elements of a sequence are there already.</summary>
    public static bool AreThere<T>(IEnumerable<T> sequence) => sequence is not IEnumerator && sequence is ICollection<T> or IReadOnlyCollection<T> or ICollection;

    private static bool IsOpaque(Type type)
    {
        if (!type.IsGenericType)
        {
            return type == typeof(ValueTask);
        }

        var definition = type.GetGenericTypeDefinition();
        return definition == typeof(ValueTask<>) || definition == typeof(Lazy<>) || definition == typeof(AsyncLocal<>) || definition == typeof(ThreadLocal<>);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "A collection whose interface was trimmed is named by its type instead of being enumerated.")]
    private static bool IsCollection(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && (i.GetGenericTypeDefinition() == typeof(ICollection<>) || i.GetGenericTypeDefinition() == typeof(IReadOnlyCollection<>)));
}
