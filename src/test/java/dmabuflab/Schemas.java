// SPDX-License-Identifier: Apache-2.0
package dmabuflab;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** JSON schemas that are on the class path. */
public final class Schemas {
    private Schemas() {}

    /** What a text has that the schema forbids, a line each. */
    public static List<String> complaints(String schema, String json) throws IOException {
        try (InputStream in = Schemas.class.getResourceAsStream(schema)) {
            return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                    .getSchema(in)
                    .validate(json, InputFormat.JSON)
                    .stream()
                    .map(Object::toString)
                    .toList();
        }
    }
}
